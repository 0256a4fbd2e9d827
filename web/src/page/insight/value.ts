import type { Lang } from '../../i18n/words'
import { count, money, moneyShort, share } from '../../widget/format'

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

/** The same for an axis or a tile, where there is little room. */
export function shortValue(value: number | null | undefined, unit: string, lang: Lang): string {
  if (unit === 'fen' && value !== null && value !== undefined) return moneyShort(Math.round(value), lang)
  return featureValue(value, unit, lang)
}
