import { Alert, Button } from 'antd'
import { useState } from 'react'
import { useAction, useGet } from '../../api/hooks'
import { useWords } from '../../i18n/words'
import { useId } from '../../shell/go'
import { Async } from '../../widget/Async'
import { PageHeader } from '../../widget/PageHeader'
import { Id, useText, type Text } from '../../widget/values'
import type { Decision } from './decisionTypes'
import { DecisionView, Result } from './DecisionView'
import { decisionWords } from './decisionWords'

type Replayed = { decision_id: string; same: boolean; difference?: string }

export default function DecisionPage() {
  const say = useWords(decisionWords)
  const text = useText()
  const id = useId()
  const found = useGet<Decision & { notice?: Text }>(`/decisions/${id}`)
  const [replayed, setReplayed] = useState<Replayed>()
  const replay = useAction<Replayed>({ onDone: setReplayed })
  return (
    <div className="page">
      <Async of={found}>
        {(decision) => (
          <>
            <PageHeader title={say('decision')} tag={<><Result result={decision.outcome.result} /><Id id={decision.id} /></>} crumbs={[{ text: say('decisions'), href: '/decisions' }, { text: decision.id }]} actions={<Button loading={replay.busy} onClick={() => void replay.run({ path: `/decisions/${id}/replay` })}>{say('replay')}</Button>} />
            {decision.notice ? <Alert type="info" showIcon title={text(decision.notice)} /> : null}
            {replayed ? <Alert type={replayed.same ? 'success' : 'error'} showIcon title={replayed.same ? say('replaySame') : say('replayDiffers')} description={replayed.difference} /> : null}
            <DecisionView decision={decision} />
          </>
        )}
      </Async>
    </div>
  )
}
