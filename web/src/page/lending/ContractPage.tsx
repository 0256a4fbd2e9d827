import { Button, Card, Descriptions, Statistic, Table, Tag } from 'antd'
import { useGet } from '../../api/hooks'
import { useLang, useWords } from '../../i18n/words'
import { A, useId } from '../../shell/go'
import { Async } from '../../widget/Async'
import { money, percent } from '../../widget/format'
import { PageHeader } from '../../widget/PageHeader'
import { both, DateText, Id, Instant, Money, useText } from '../../widget/values'
import { Extras } from '../credit/Extras'
import type { Contract } from './contractTypes'
import type { Instalment } from './types'
import { lendingWords } from './words'

/** A signed contract: its terms, its schedule, and the hashes by which anybody can check the PDF. */
export default function ContractPage() {
  const say = useWords(lendingWords)
  const lang = useLang()
  const text = useText()
  const id = useId()
  const found = useGet<Contract>(`/contracts/${id}`)
  return (
    <div className="page">
      <Async of={found}>
        {({ terms, ...contract }) => (
          <>
            <PageHeader title={terms.number} tag={terms.demo ? <Tag>{say('demo')}</Tag> : null} crumbs={[{ text: say('contracts'), href: '/contracts' }, { text: terms.number }]} actions={<><Button href={`/verify/contract/${contract.pdf_hash}`} target="_blank">{say('verify')}</Button><Button type="primary" href={`/api/v1/contracts/${id}/pdf`} target="_blank" data-testid="pdf">{say('pdf')}</Button></>} />
            <div className="tiles">
              <Card size="small"><Statistic title={say('limit')} value={money(terms.limit_minor, terms.currency)} /></Card>
              <Card size="small"><Statistic title={say('rate')} value={percent(terms.annual_rate)} /></Card>
              <Card size="small"><Statistic title={say('annualised')} value={percent(terms.annualised_rate)} /></Card>
              <Card size="small"><Statistic title={say('totalCost')} value={money(terms.cost.interest_minor, terms.currency)} /></Card>
            </div>
            <Card size="small">
              <Descriptions size="small" column={{ xs: 1, sm: 2, lg: 3 }} items={[
                { key: 'borrower', label: say('borrower'), children: <A href={`/firms/${contract.firm_id}`}>{terms.borrower}</A> },
                { key: 'lender', label: say('lender'), children: both(lang, terms.lender_zh, terms.lender_en) },
                { key: 'facility', label: say('facility'), children: contract.facility_id ? <A href={`/facilities/${contract.facility_id}`}><Id id={contract.facility_id} /></A> : '—' },
                { key: 'purpose', label: say('purpose'), children: text(terms.purpose) },
                { key: 'method', label: say('method'), children: terms.method in lendingWords ? say(terms.method as keyof typeof lendingWords) : terms.method },
                { key: 'tenor', label: say('tenor'), children: terms.tenor_months },
                { key: 'penalty', label: say('penaltyRate'), children: percent(terms.penalty_rate) },
                { key: 'signed', label: say('signed'), children: <DateText date={terms.signed_on} /> },
                { key: 'expires', label: say('expires'), children: <DateText date={terms.expires_on} /> },
                { key: 'created', label: say('created'), children: <Instant at={contract.created_at} /> },
                { key: 'application', label: say('application'), children: <A href={`/applications/${contract.application_id}`}><Id id={contract.application_id} /></A> },
              ]} />
              <Extras extras={terms.extras} currency={terms.currency} />
              <div className="muted mono">PDF SHA-256 {contract.pdf_hash}</div>
              <div className="muted mono">{say('termsHash')} {contract.terms_hash}</div>
            </Card>
            <Card size="small" title={say('schedule')}>
              <Table<Instalment> size="small" rowKey="no" pagination={false} dataSource={terms.schedule ?? []} scroll={{ x: 'max-content' }} columns={[
                { title: say('no'), dataIndex: 'no' },
                { title: say('dueDate'), render: (_, row) => <DateText date={row.due_date} /> },
                { title: say('principal'), align: 'right', render: (_, row) => <Money minor={row.principal_minor} currency={terms.currency} /> },
                { title: say('interest'), align: 'right', render: (_, row) => <Money minor={row.interest_minor} currency={terms.currency} /> },
                { title: say('total'), align: 'right', render: (_, row) => <Money minor={row.total_minor} currency={terms.currency} /> },
                { title: say('balance'), align: 'right', render: (_, row) => <Money minor={row.balance_minor} currency={terms.currency} /> },
              ]} />
            </Card>
          </>
        )}
      </Async>
    </div>
  )
}
