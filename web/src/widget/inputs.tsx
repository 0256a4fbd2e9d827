import { Input } from 'antd'
import { useEffect, useState } from 'react'
import { useWords } from '../i18n/words'
import { money, parseMoney, parsePercent, percent, signOf } from './format'
import { widgetWords } from './words'

type InputProps<V> = { value?: V | undefined; onChange?: (value: V | undefined) => void; id?: string; disabled?: boolean; placeholder?: string; autoFocus?: boolean }

/** An amount: typed in the currency's unit (yuan unless said), held in minor units, never through a fraction of a double. */
export function MoneyInput({ value, onChange, currency = 'CNY', ...rest }: InputProps<number> & { currency?: string | undefined }) {
  const [text, setText] = useState(value === undefined ? '' : money(value, currency, false))
  useEffect(() => {
    const shown = value === undefined ? '' : money(value, currency, false)
    if (value !== parseMoney(text, currency)) setText(shown)
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [value, currency])
  const say = useWords(widgetWords)
  const bad = text !== '' && parseMoney(text, currency) === undefined
  const input = <Input prefix={signOf(currency)} inputMode="decimal" value={text} maxLength={20} status={bad ? 'error' : ''} className="num" onChange={(event) => { setText(event.target.value); onChange?.(parseMoney(event.target.value, currency)) }} onBlur={() => { const parsed = parseMoney(text, currency); if (parsed !== undefined) setText(money(parsed, currency, false)) }} {...rest} />
  return bad ? <>{input}<div className="ant-form-item-explain-error" role="alert">{say('notAnAmount')}</div></> : input
}

/** A rate: typed in per cent, held as the decimal text the server uses. */
export function RateInput({ value, onChange, ...rest }: InputProps<string>) {
  const shown = (rate: string | undefined) => (rate === undefined || rate === '' ? '' : percent(rate, 0).replace('%', ''))
  const [text, setText] = useState(shown(value))
  useEffect(() => {
    if (value !== parsePercent(text)) setText(shown(value))
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [value])
  const bad = text !== '' && parsePercent(text) === undefined
  return <Input suffix="%" inputMode="decimal" value={text} maxLength={12} status={bad ? 'error' : ''} className="num" onChange={(event) => { setText(event.target.value); onChange?.(parsePercent(event.target.value)) }} {...rest} />
}
