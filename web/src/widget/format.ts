import type { Lang } from '../i18n/words'

const minus = '\u2212'
const signs: Record<string, string> = { CNY: '¥', USD: '$', EUR: '€', HKD: 'HK$', JPY: 'JP¥' }
const decimals: Record<string, number> = { JPY: 0 }

function group(digits: string): string {
  return digits.replace(/\B(?=(\d{3})+(?!\d))/g, ',')
}

/** 123456 minor units of CNY as "¥1,234.56". Works on digits, never on fractions. */
export function money(minor: number | string | null | undefined, currency = 'CNY', sign = true): string {
  if (minor === null || minor === undefined || minor === '') return '—'
  const places = decimals[currency] ?? 2
  const text = typeof minor === 'number' ? BigInt(Math.trunc(minor)).toString() : minor
  const negative = text.startsWith('-')
  const digits = (negative ? text.slice(1) : text).padStart(places + 1, '0')
  const whole = group(digits.slice(0, digits.length - places))
  const part = places > 0 ? '.' + digits.slice(-places) : ''
  return (negative ? minus : '') + (sign ? (signs[currency] ?? currency + ' ') : '') + whole + part
}

/** A short form for tiles and axes: ¥123.5万 in Chinese, ¥1.2M in English. */
export function moneyShort(minor: number | null | undefined, lang: Lang, currency = 'CNY'): string {
  if (minor === null || minor === undefined) return '—'
  const amount = minor / 10 ** (decimals[currency] ?? 2)
  if (Math.abs(amount) < (lang === 'zh' ? 10_000 : 1000)) return money(minor, currency) // short enough, and to the cent
  const format = new Intl.NumberFormat(lang === 'zh' ? 'zh-CN' : 'en', { notation: 'compact', maximumFractionDigits: 2 })
  return (signs[currency] ?? currency + ' ') + format.format(amount).replace('-', minus)
}

/** A typed amount ("1,234.5") as minor units, or undefined when it is not one. A comma that may be a decimal point is refused:
 * 1,50 must not become one hundred and fifty. With a point behind it a comma can only part thousands, also while one is typing. */
export function parseMoney(text: string, currency = 'CNY'): number | undefined {
  const places = decimals[currency] ?? 2
  const plain = text.replace(/[\s¥]/g, '').replaceAll('，', ',')
  if (!plain.includes('.') && plain.includes(',') && !/,\d{3}$/.test(plain)) return undefined
  if (/\..*,/.test(plain)) return undefined
  const match = /^(-?)(\d{1,13})(?:\.(\d+))?$/.exec(plain.replaceAll(',', ''))
  if (!match || (match[3]?.length ?? 0) > places) return undefined
  const value = Number(match[2] + (match[3] ?? '').padEnd(places, '0'))
  return match[1] === '-' ? -value : value
}

/** "0.0435" as "4.35%": the point moves two places, digits stay as the server said them. */
export function percent(rate: string | null | undefined, places = 2): string {
  if (rate === null || rate === undefined || rate === '') return '—'
  const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(rate)
  if (!match) return rate
  const fraction = (match[3] ?? '').padEnd(2, '0')
  const whole = (match[2]! + fraction.slice(0, 2)).replace(/^0+(?=\d)/, '')
  const rest = fraction.slice(2).replace(/0+$/, '').padEnd(places, '0')
  return (match[1] ? minus : '') + whole + (rest ? '.' + rest : '') + '%'
}

/** "4.35" typed as a percentage, as the decimal text the server wants ("0.0435"). */
export function parsePercent(text: string): string | undefined {
  const match = /^(\d{1,4})(?:\.(\d{1,6}))?$/.exec(text.replace(/[%％\s]/g, ''))
  if (!match) return undefined
  const digits = match[1]!.padStart(3, '0')
  const fraction = (digits.slice(-2) + (match[2] ?? '')).replace(/0+$/, '')
  return digits.slice(0, -2).replace(/^0+(?=\d)/, '') + (fraction ? '.' + fraction : '')
}

/** A share or probability that is a float in JSON. */
export function share(value: number | null | undefined, places = 2): string {
  return value === null || value === undefined ? '—' : (value * 100).toFixed(places) + '%'
}

export function count(value: number | null | undefined, lang: Lang = 'zh', places?: number): string {
  if (value === null || value === undefined) return '—'
  return value.toLocaleString(lang === 'zh' ? 'zh-CN' : 'en', places === undefined ? {} : { minimumFractionDigits: places, maximumFractionDigits: places }).replace('-', minus)
}

/** An instant in the reader's own time zone. */
export function instant(value: string | null | undefined, lang: Lang): string {
  if (!value) return '—'
  const at = new Date(value)
  if (Number.isNaN(at.getTime())) return value
  return at.toLocaleString(lang === 'zh' ? 'zh-CN' : 'en-GB', { year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false })
}

export function duration(seconds: number, lang: Lang): string {
  const whole = Math.max(0, Math.round(seconds))
  const minutes = Math.floor(whole / 60)
  const rest = whole % 60
  if (lang === 'zh') return minutes > 0 ? `${minutes} 分 ${rest} 秒` : `${rest} 秒`
  return minutes > 0 ? `${minutes} min ${rest} s` : `${rest} s`
}

/** One cell of a CSV file; a leading formula sign is defused, since people open these in a spreadsheet. */
export function csvCell(value: string): string {
  const plain = value.replaceAll(minus, '-')
  const safe = /^[=+@\t\r]/.test(plain) || /^-(?![\d.,]+%?$)/.test(plain) ? "'" + plain : plain
  return /[",\n\r]/.test(safe) ? '"' + safe.replaceAll('"', '""') + '"' : safe
}
