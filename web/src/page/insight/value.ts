import type { Lang } from '../../i18n/words'
import { count, money, share } from '../../widget/format'

/** A feature value in its unit; money values are whole fen. */
export function featureValue(value: number | null | undefined, unit: string, lang: Lang): string {
  if (value === null || value === undefined) return '—'
  switch (unit) {
    case 'fen':
      return money(Math.round(value))
    case 'ratio':
      return share(value, 1)
    default:
      return count(Math.round(value * 100) / 100, lang)
  }
}
