import { useLang, useWords } from '../../i18n/words'
import { DataTable } from '../../widget/DataTable'
import { instant, money, percent, share } from '../../widget/format'
import { PageHeader } from '../../widget/PageHeader'
import { Id, Instant, Money, Rate } from '../../widget/values'
import type { DecisionRow } from './decisionTypes'
import { Result } from './DecisionView'
import { decisionWords } from './decisionWords'

export function DecisionTable({ name, fixed, prefix }: { name: string; fixed?: Record<string, string>; prefix?: string }) {
  const say = useWords(decisionWords)
  const lang = useLang()
  return (
    <DataTable<DecisionRow>
      name={name}
      path="/decisions"
      rowKey={(row) => row.id}
      href={(row) => `/decisions/${row.id}`}
      empty={{ text: say('noDecisions') }}
      {...(fixed ? { fixed } : {})}
      {...(prefix ? { prefix } : {})}
      filters={[{ kind: 'choice', name: 'result', label: say('result'), options: (['approved', 'referred', 'declined'] as const).map((value) => ({ value, label: say(value) })) }]}
      columns={[
        { key: 'at', title: say('at'), text: (row) => instant(row.decided_at, lang), render: (row) => <Instant at={row.decided_at} /> },
        { key: 'firm', title: say('firm'), extra: Boolean(fixed?.firm_id), text: (row) => row.firm_id, render: (row) => <Id id={row.firm_id} /> },
        { key: 'product', title: say('product'), text: (row) => row.product_id },
        { key: 'result', title: say('result'), text: (row) => row.result, render: (row) => <Result result={row.result} /> },
        { key: 'grade', title: say('grade'), text: (row) => row.grade },
        { key: 'pd', title: say('pd'), numeric: true, text: (row) => share(Number(row.pd)) },
        { key: 'asked', title: say('asked'), numeric: true, text: (row) => money(row.asked_minor, row.currency), render: (row) => <Money minor={row.asked_minor} currency={row.currency} /> },
        { key: 'offered', title: say('offered'), numeric: true, text: (row) => money(row.amount_minor, row.currency), render: (row) => <Money minor={row.amount_minor} currency={row.currency} /> },
        { key: 'rate', title: say('rate'), numeric: true, text: (row) => percent(row.rate), render: (row) => (row.amount_minor > 0 ? <Rate rate={row.rate} /> : '—') },
        { key: 'codes', title: say('reasons'), extra: true, text: (row) => (row.reason_codes ?? []).join(' '), render: (row) => <span className="mono">{(row.reason_codes ?? []).join(' ')}</span> },
      ]}
    />
  )
}

export default function Decisions() {
  const say = useWords(decisionWords)
  return (
    <div className="page">
      <PageHeader title={say('decisions')} hint={say('decisionsHint')} />
      <DecisionTable name="decisions" />
    </div>
  )
}
