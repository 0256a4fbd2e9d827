import { Alert, Card, Progress, Statistic, Table } from 'antd'
import { useLang, useWords } from '../../i18n/words'
import { share } from '../../widget/format'
import { ReasonList } from '../../widget/Lists'
import { both } from '../../widget/values'
import { useDefinitions } from './FeatureTable'
import type { Contribution, ScoreResult } from './types'
import { featureValue } from './value'
import { insightWords } from './words'

/** A score with what made it: points by feature, and the reasons in words. */
export function ScoreView({ score }: { score: ScoreResult }) {
  const say = useWords(insightWords)
  const lang = useLang()
  const { find } = useDefinitions()
  const name = (id: string) => { const found = find(id); return found ? both(lang, found.name_zh, found.name_en) : id }
  return (
    <div className="stack">
      <div className="tiles">
        <Card size="small"><Statistic title={say('score')} value={score.points} /></Card>
        <Card size="small"><Statistic title={say('grade')} value={score.grade} /></Card>
        <Card size="small"><Statistic title={say('pd')} value={share(score.pd)} /></Card>
      </div>
      {score.thin_file ? <Alert type="info" showIcon title={say('thin')} description={say('thinHint')} /> : null}
      <div className="grid">
        <Card size="small" title={say('reasons')}>
          <ReasonList reasons={(score.reasons ?? []).map((reason) => ({ code: reason.code, text: both(lang, reason.zh, reason.en), weight: -reason.points_lost }))} />
        </Card>
        <Card size="small" title={say('contributions')}>
          <Table<Contribution>
            size="small"
            rowKey="feature"
            pagination={false}
            dataSource={[...(score.contributions ?? [])].sort((a, b) => b.max_points - b.points - (a.max_points - a.points))}
            scroll={{ x: 'max-content' }}
            columns={[
              { title: say('feature'), render: (_, row) => name(row.feature) },
              { title: say('value'), align: 'right', render: (_, row) => <span className="num">{featureValue(row.value, find(row.feature)?.unit ?? '', lang)}</span> },
              { title: say('points'), align: 'right', render: (_, row) => <span className="num">{row.points} / {row.max_points}</span> },
              { title: '', width: 90, render: (_, row) => <Progress percent={row.max_points > 0 ? Math.max(0, Math.round((row.points / row.max_points) * 100)) : 0} showInfo={false} status="normal" size="small" /> },
            ]}
          />
        </Card>
      </div>
    </div>
  )
}
