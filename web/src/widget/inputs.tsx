import { Input } from 'antd'
import { useEffect, useState } from 'react'
import { useWords } from '../i18n/words'
import { money, parseMoney, parsePercent, percent } from './format'
import { widgetWords } from './words'

type InputProps<V> = { value?: V | undefined; onChange?: (value: V | undefined) => void; id?: string; disabled?: boolean; placeholder?: string; autoFocus?: boolean }

/** An amount: typed in yuan, held in minor units, never through a fraction of a double. */
export function MoneyInput({ value, onChange, ...rest }: InputProps<number>) {
  const [text, setText] = useState(value === undefined ? '' : money(value, 'CNY', false))
  useEffect(() => {
    if (value !== parseMoney(text)) setText(value === undefined ? '' : money(value, 'CNY', false))
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [value])
  const say = useWords(widgetWords)
  const bad = text !== '' && parseMoney(text) === undefined
  const input = <Input prefix="¥" inputMode="decimal" value={text} maxLength={20} status={bad ? 'error' : ''} className="num" onChange={(event) => { setText(event.target.value); onChange?.(parseMoney(event.target.value)) }} onBlur={() => { const parsed = parseMoney(text); if (parsed !== undefined) setText(money(parsed, 'CNY', false)) }} {...rest} />
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
