import { Tag, Tooltip } from 'antd'
import { useLang, type Lang } from '../i18n/words'
import { instant, money, moneyShort, percent } from './format'

export function Money({ minor, currency = 'CNY', short }: { minor: number | null | undefined; currency?: string; short?: boolean }) {
  const lang = useLang()
  if (!short) return <span className="num">{money(minor, currency)}</span>
  return <Tooltip title={money(minor, currency)}><span className="num">{moneyShort(minor, lang, currency)}</span></Tooltip>
}

export function Rate({ rate, places }: { rate: string | null | undefined; places?: number }) {
  return <span className="num">{percent(rate, places)}</span>
}

/** A business date as the server said it: dates have no time zone and are never converted. */
export function DateText({ date }: { date: string | null | undefined }) {
  return <span className="num">{date || '—'}</span>
}

export function Instant({ at }: { at: string | null | undefined }) {
  const lang = useLang()
  return at ? <time dateTime={at} className="num">{instant(at, lang)}</time> : <span>—</span>
}

export function Id({ id }: { id: string | null | undefined }) {
  if (!id) return <span>—</span>
  return <Tooltip title={id}><span className="mono num">{id.length > 16 ? `${id.slice(0, 5)}…${id.slice(-6)}` : id}</span></Tooltip>
}

export type Tone = 'good' | 'bad' | 'warn' | 'busy' | 'plain'
const colours: Record<Tone, string> = { good: 'green', bad: 'red', warn: 'orange', busy: 'processing', plain: 'default' }

/** A state by name: the sentence carries the meaning, the colour only repeats it. */
export function StateTag({ text, tone = 'plain' }: { text: string; tone?: Tone }) {
  return <Tag color={colours[tone]} style={{ marginInlineEnd: 0 }}>{text}</Tag>
}

/** Picks the language of a pair that the server sent in both. */
export function both(lang: Lang, zh: string | undefined, en: string | undefined): string {
  return (lang === 'zh' ? zh || en : en || zh) ?? ''
}

/** A sentence that the server keeps in both languages. */
export type Text = { zh: string; en: string }

export function useText(): (text: Text | null | undefined) => string {
  const lang = useLang()
  return (text) => (text ? both(lang, text.zh, text.en) : '')
}
