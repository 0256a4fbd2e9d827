import { Space } from 'antd'
import { useWords } from '../../i18n/words'
import { ledgerWords } from './ledgerWords'

/** Links that download a report as the server writes it. */
export function ExportLinks({ report, query }: { report: string; query: Record<string, string | undefined> }) {
  const say = useWords(ledgerWords)
  const address = (format: string) => {
    const params = new URLSearchParams({ report, format })
    for (const [name, value] of Object.entries(query)) if (value) params.set(name, value)
    return `/api/v1/ledger/export?${params.toString()}`
  }
  return (
    <Space wrap>
      <a href={address('xlsx')} download>{say('exportXlsx')}</a>
      <a href={address('csv')} download>{say('exportCsv')}</a>
    </Space>
  )
}
