import { App, Button, DatePicker, Dropdown } from 'antd'
import type { Dayjs } from 'dayjs'
import { useState } from 'react'
import { newKey } from '../../api/client'
import { useWords, useLang, words } from '../../i18n/words'
import { save } from '../../widget/save'

const paperWords = words({
  papers: ['对账单', 'Statement'],
  period: ['对账单期间，不填为全部', 'Period of the statement; empty is all of it'],
  pdfZh: ['PDF（中文）', 'PDF (Chinese)'],
  pdfEn: ['PDF（英文）', 'PDF (English)'],
  xlsxZh: ['Excel（中文）', 'Excel (Chinese)'],
  xlsxEn: ['Excel（英文）', 'Excel (English)'],
  certificate: ['结清证明', 'Settlement certificate'],
  failed: ['未能出具，请稍后重试', 'It could not be issued; try again later'],
})

/** The papers of a loan: statements of any period, and the certificate once it is settled. */
export function Papers({ id, settled }: { id: string; settled: boolean }) {
  const say = useWords(paperWords)
  const lang = useLang()
  const { message } = App.useApp()
  const [days, setDays] = useState<[Dayjs | null, Dayjs | null] | null>(null)
  const [busy, setBusy] = useState(false)
  const query = (language: string) => {
    const out = new URLSearchParams({ lang: language })
    if (days?.[0]) out.set('from', days[0].format('YYYY-MM-DD'))
    if (days?.[1]) out.set('until', days[1].format('YYYY-MM-DD'))
    return out.toString()
  }
  const link = (form: string, language: string, label: string) => ({ key: form + language, label: <a href={`/api/v1/loans/${id}/statement.${form}?${query(language)}`} download>{label}</a> })
  const certificate = async () => {
    setBusy(true)
    try {
      const answer = await fetch(`/api/v1/loans/${id}/settlement-certificate`, { method: 'POST', headers: { 'Idempotency-Key': newKey(), 'Accept-Language': lang } })
      if (!answer.ok) throw new Error(String(answer.status))
      save(await answer.blob(), `settlement-${id}.pdf`)
    } catch {
      message.error(say('failed'))
    } finally {
      setBusy(false)
    }
  }
  return (
    <div className="row">
      <DatePicker.RangePicker value={days} onChange={setDays} allowEmpty={[true, true]} aria-label={say('period')} style={{ maxWidth: 260 }} />
      <Dropdown menu={{ items: [link('pdf', 'zh', say('pdfZh')), link('pdf', 'en', say('pdfEn')), link('xlsx', 'zh', say('xlsxZh')), link('xlsx', 'en', say('xlsxEn'))] }}><Button data-testid="statement">{say('papers')}</Button></Dropdown>
      {settled ? <Button loading={busy} onClick={() => void certificate()} data-testid="certificate">{say('certificate')}</Button> : null}
    </div>
  )
}
