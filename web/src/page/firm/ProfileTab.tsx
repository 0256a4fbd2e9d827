import { Button, Card, Empty, Segmented, Statistic } from 'antd'
import { useAction, useGet } from '../../api/hooks'
import { useWords } from '../../i18n/words'
import { useUrlState } from '../../shell/go'
import { useMay } from '../../shell/session'
import { Async } from '../../widget/Async'
import { Chart } from '../../widget/Chart'
import { Instant } from '../../widget/values'
import { FeatureTable } from '../insight/FeatureTable'
import { ProfileOverview, useThemeCharts } from '../insight/ProfileCharts'
import { themes, type Theme } from '../insight/types'
import { insightWords } from '../insight/words'
import type { Profile } from './types'
import { firmWords } from './words'

export function useProfile(id: string) {
  return useGet<Profile>(`/firms/${id}/profile`)
}

export function RefreshProfile({ id }: { id: string }) {
  const say = useWords(firmWords)
  const may = useMay()
  const refresh = useAction({ stale: [`/firms/${id}`], done: say('refreshed') })
  return may('profile.refresh') ? <Button loading={refresh.busy} onClick={() => void refresh.run({ path: `/firms/${id}/profile`, body: {} })}>{say('refresh')}</Button> : null
}

/** The first look: how much evidence there is, and six pictures. */
export function OverviewTab({ id, name }: { id: string; name: string }) {
  const say = useWords(firmWords)
  const profile = useProfile(id)
  return (
    <Async of={profile} missing={<Empty description={say('noProfile')}><RefreshProfile id={id} /></Empty>}>
      {(data) => (
        <div className="stack">
          <div className="tiles">
            <Card size="small"><Statistic title={say('asOf')} value={data.as_of} /></Card>
            <Card size="small"><Statistic title={say('validInvoices')} value={data.vector.invoices} /></Card>
            <Card size="small"><Statistic title={say('activeMonths')} value={data.vector.months} /></Card>
          </div>
          <ProfileOverview series={data.series} firm={name} />
        </div>
      )}
    </Async>
  )
}

/** The profile theme by theme: the chart that explains it, and every figure with its definition. */
export function ProfileTab({ id, name }: { id: string; name: string }) {
  const say = useWords(firmWords)
  const sayTheme = useWords(insightWords)
  const [url, setUrl] = useUrlState()
  const profile = useProfile(id)
  const theme: Theme = themes.find((one) => one === url.theme) ?? 'level'
  const charts = useThemeCharts(profile.data?.series, name)
  return (
    <Async of={profile} missing={<Empty description={say('noProfile')}><RefreshProfile id={id} /></Empty>}>
      {(data) => (
        <div className="stack">
          <div style={{ overflowX: 'auto' }}><Segmented<Theme> value={theme} onChange={(value) => setUrl({ theme: value }, true)} options={themes.map((value) => ({ value, label: sayTheme(value) }))} /></div>
          {charts(theme).map((chart) => <Card key={chart.title} size="small" title={chart.title}><Chart option={chart.option} label={chart.title} height={300} /></Card>)}
          <FeatureTable vector={data.vector} only={theme} firm={id} />
          <div className="muted">{say('asOf')} {data.as_of} · <Instant at={data.created_at} /> · <span className="mono">{data.input_hash.slice(0, 16)}</span></div>
        </div>
      )}
    </Async>
  )
}
