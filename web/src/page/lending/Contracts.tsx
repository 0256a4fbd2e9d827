import { useWords } from '../../i18n/words'
import { DataTable } from '../../widget/DataTable'
import { money, percent } from '../../widget/format'
import { PageHeader } from '../../widget/PageHeader'
import { DateText, Money, Rate } from '../../widget/values'
import type { Contract } from './contractTypes'
import { lendingWords } from './words'

export function ContractTable({ name, fixed, prefix }: { name: string; fixed?: Record<string, string>; prefix?: string }) {
  const say = useWords(lendingWords)
  return (
    <DataTable<Contract>
      name={name}
      path="/contracts"
      rowKey={(row) => row.id}
      href={(row) => `/contracts/${row.id}`}
      empty={{ text: say('noContracts') }}
      {...(fixed ? { fixed } : {})}
      {...(prefix ? { prefix } : {})}
      columns={[
        { key: 'number', title: say('number'), text: (row) => row.terms.number, render: (row) => <b className="num">{row.terms.number}</b> },
        { key: 'firm', title: say('firm'), text: (row) => row.terms.borrower },
        { key: 'product', title: say('product'), text: (row) => row.product_id },
        { key: 'limit', title: say('limit'), numeric: true, text: (row) => money(row.terms.limit_minor, row.terms.currency), render: (row) => <Money minor={row.terms.limit_minor} currency={row.terms.currency} /> },
        { key: 'rate', title: say('rate'), numeric: true, text: (row) => percent(row.terms.annual_rate), render: (row) => <Rate rate={row.terms.annual_rate} /> },
        { key: 'signed', title: say('signed'), text: (row) => row.terms.signed_on, render: (row) => <DateText date={row.terms.signed_on} /> },
        { key: 'expires', title: say('expires'), text: (row) => row.terms.expires_on, render: (row) => <DateText date={row.terms.expires_on} /> },
        { key: 'pdf', title: 'PDF', render: (row) => <a href={`/api/v1/contracts/${row.id}/pdf`} target="_blank" rel="noreferrer">{say('pdf')}</a> },
      ]}
    />
  )
}

export default function Contracts() {
  const say = useWords(lendingWords)
  return (
    <div className="page">
      <PageHeader title={say('contracts')} hint={say('contractsHint')} />
      <ContractTable name="contracts" />
    </div>
  )
}
