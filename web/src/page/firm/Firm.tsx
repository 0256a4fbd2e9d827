import { Button, Card, Descriptions, Empty, Tabs, Tag } from 'antd'
import { useState } from 'react'
import { useAction, useGet, type Page } from '../../api/hooks'
import { useLang, useWords } from '../../i18n/words'
import { useId, useUrlState } from '../../shell/go'
import { useMay } from '../../shell/session'
import { Async } from '../../widget/Async'
import { instant, share } from '../../widget/format'
import { PageHeader } from '../../widget/PageHeader'
import { both, DateText, Money, useText } from '../../widget/values'
import type { Branch } from '../admin/choices'
import { ApplicationForm } from '../credit/ApplicationForm'
import { ApplicationTable } from '../credit/Applications'
import { DecisionTable } from '../credit/Decisions'
import { ScoreView } from '../insight/ScoreView'
import type { FirmScore, ScorePoint } from '../insight/types'
import { FacilityTable } from '../lending/Facilities'
import { LoanTable } from '../lending/Loans'
import { SignalTable } from '../watch/SignalTable'
import { ConsentsTab, InvoicesTab, RelationsTab } from './EvidenceTabs'
import { FirmForm, useCustomerType } from './FirmForm'
import { useSize } from './Firms'
import { OverviewTab, ProfileTab, RefreshProfile } from './ProfileTab'
import { ScoreHistory } from './ScoreHistory'
import { TimelineTab } from './TimelineTab'
import type { Firm } from './types'
import { firmWords } from './words'

function Facts({ firm }: { firm: Firm }) {
  const say = useWords(firmWords)
  const text = useText()
  const size = useSize()
  const type = useCustomerType()
  const lang = useLang()
  const branches = useGet<Page<Branch>>('/branches', { limit: 200 })
  const branch = branches.data?.items?.find((one) => one.id === firm.branch_id)
  return (
    <Card size="small" title={say('facts')}>
      <Descriptions size="small" column={{ xs: 1, sm: 2, xl: 3 }} items={[
        { key: 'code', label: say('code'), children: firm.code },
        { key: 'uscc', label: say('uscc'), children: <span className="mono">{firm.uscc || '—'}</span> },
        { key: 'type', label: say('customerType'), children: type(firm.customer_type) },
        { key: 'industry', label: say('industry'), children: `${firm.industry} ${text(firm.industry_name)}` },
        { key: 'region', label: say('region'), children: firm.region_name || firm.region || '—' },
        { key: 'size', label: say('size'), children: size(firm.size_class) },
        { key: 'employees', label: say('employees'), children: firm.employees || '—' },
        { key: 'revenue', label: say('revenue'), children: firm.revenue_minor ? <Money minor={firm.revenue_minor} /> : '—' },
        { key: 'assets', label: say('assets'), children: firm.assets_minor ? <Money minor={firm.assets_minor} /> : '—' },
        { key: 'owner', label: say('owner'), children: firm.owner_name || '—' },
        { key: 'phone', label: say('phone'), children: firm.phone || '—' },
        { key: 'address', label: say('address'), children: firm.address || '—' },
        { key: 'branch', label: say('branch'), children: branch ? both(lang, branch.name, branch.name_en) : firm.branch_path || '—' },
        { key: 'label', label: say('label'), children: firm.default_label === 'bad' ? say('bad') : firm.default_label === 'good' ? say('good') : '—' },
        { key: 'created', label: say('createdAt'), children: <DateText date={firm.created_at.slice(0, 10)} /> },
      ]} />
    </Card>
  )
}

function ScoreTab({ id }: { id: string }) {
  const say = useWords(firmWords)
  const may = useMay()
  const found = useGet<FirmScore>(`/firms/${id}/score`)
  const score = useAction({ stale: [`/firms/${id}`], done: say('scored') })
  const again = may('score.run') ? <Button loading={score.busy} onClick={() => void score.run({ path: `/firms/${id}/score`, body: {} })}>{say('scoreNow')}</Button> : null
  return (
    <Async of={found} missing={<Empty description={say('noScore')}>{again}</Empty>}>
      {(data) => (
        <div className="stack">
          <div className="row between"><span className="muted">{say('asOf')} {data.score.as_of}</span>{again}</div>
          <ScoreView score={data.score.result} />
          <ScoreHistory points={data.history ?? []} />
        </div>
      )}
    </Async>
  )
}

function WatchNow({ id }: { id: string }) {
  const say = useWords(firmWords)
  const watch = useAction<{ raised: unknown[] }>({ stale: ['/signals', `/firms/${id}`, '/facilities'], done: say('watched') })
  return <div><Button loading={watch.busy} onClick={() => void watch.run({ path: `/firms/${id}/watch` })}>{say('watchNow')}</Button></div>
}

function latest(points: ScorePoint[] | null | undefined): ScorePoint | undefined {
  return points?.[0]
}

/** Everything known of one firm, a tab per question. Tabs the person may not read are not there. */
export default function FirmPage() {
  const say = useWords(firmWords)
  const lang = useLang()
  const may = useMay()
  const id = useId()
  const [url, setUrl] = useUrlState()
  const [form, setForm] = useState<'apply' | 'check'>()
  // The firm as it was when the form was opened: its version goes back with the change.
  const [editing, setEditing] = useState<Firm>()
  const found = useGet<Firm>(`/firms/${id}`)
  const score = useGet<FirmScore>(may('score.read') ? `/firms/${id}/score` : undefined)
  const newest = latest(score.data?.history)
  const tabs = (firm: Firm) => [
    { key: 'overview', need: 'profile.read', label: say('overview'), children: <div className="stack"><Facts firm={firm} /><OverviewTab id={id} name={firm.name} /></div> },
    { key: 'facts', need: may('profile.read') ? 'none' : '', label: say('facts'), children: <Facts firm={firm} /> },
    { key: 'profile', need: 'profile.read', label: say('profile'), children: <ProfileTab id={id} name={firm.name} /> },
    { key: 'score', need: 'score.read', label: say('score'), children: <ScoreTab id={id} /> },
    { key: 'credit', need: 'application.read', label: say('credit'), children: <div className="stack"><Card size="small" title={say('applications')}><ApplicationTable name="firm-applications" fixed={{ firm_id: id }} prefix="a_" /></Card>{may('decision.read') ? <Card size="small" title={say('decisions')}><DecisionTable name="firm-decisions" fixed={{ firm_id: id }} prefix="d_" /></Card> : null}</div> },
    { key: 'lending', need: 'loan.read', label: say('lending'), children: <div className="stack">{may('facility.read') ? <Card size="small" title={say('facilities')}><FacilityTable name="firm-facilities" fixed={{ firm_id: id }} prefix="f_" /></Card> : null}<Card size="small" title={say('loans')}><LoanTable name="firm-loans" fixed={{ firm_id: id }} prefix="l_" /></Card></div> },
    { key: 'signals', need: 'signal.read', label: say('signals'), children: <div className="stack">{may('signal.handle') ? <WatchNow id={id} /> : null}<SignalTable name="firm-signals" fixed={{ firm_id: id }} prefix="s_" /></div> },
    { key: 'invoices', need: 'evidence.read', label: say('invoices'), children: <InvoicesTab id={id} /> },
    { key: 'consents', need: 'consent.read', label: say('consents'), children: <ConsentsTab id={id} /> },
    { key: 'relations', need: 'firm.read', label: say('relations'), children: <RelationsTab id={id} /> },
    { key: 'timeline', need: 'firm.read', label: say('timeline'), children: <TimelineTab id={id} /> },
  ].filter((tab) => tab.need === '' || may(tab.need)).map(({ key, label, children }) => ({ key, label, children }))
  return (
    <div className="page">
      <Async of={found}>
        {(firm) => {
          const shown = tabs(firm)
          return (
            <>
              <PageHeader
                title={firm.name}
                crumbs={[{ text: say('firms'), href: '/firms' }, { text: firm.code }]}
                tag={<>{newest ? <Tag color={newest.grade === 'A' || newest.grade === 'B' ? 'green' : newest.grade === 'C' ? 'orange' : 'red'} title={instant(newest.created_at, lang)}>{say('grade')} {newest.grade} · {newest.points} · {share(newest.pd)}</Tag> : null}{firm.demo ? <Tag>{say('demoFirm')}</Tag> : null}</>}
                actions={<>{may('firm.write') ? <Button onClick={() => setEditing(firm)} data-testid="firm-edit">{say('editFirm')}</Button> : null}<RefreshProfile id={id} />{may('decision.check') ? <Button onClick={() => setForm('check')}>{say('precheck')}</Button> : null}{may('application.write') ? <Button type="primary" onClick={() => setForm('apply')} data-testid="apply">{say('apply')}</Button> : null}</>}
              />
              <Tabs activeKey={shown.some((tab) => tab.key === url.tab) ? url.tab! : (shown[0]?.key ?? '')} onChange={(tab) => setUrl({ tab }, true)} items={shown} destroyOnHidden />
              {editing ? <FirmForm key={editing.version} firm={editing} onClose={() => setEditing(undefined)} onStale={() => void found.refetch().then((fresh) => fresh.data && setEditing(fresh.data))} /> : null}
              {form ? <ApplicationForm firmId={id} check={form === 'check'} onClose={() => setForm(undefined)} /> : null}
            </>
          )
        }}
      </Async>
    </div>
  )
}
