import { Card } from 'antd'
import { useGet } from '../../api/hooks'
import { useWords } from '../../i18n/words'
import { A, useUrlState } from '../../shell/go'
import { Async } from '../../widget/Async'
import { PageHeader } from '../../widget/PageHeader'
import { useText } from '../../widget/values'
import { LevelTag, SignalDetail, SignalTable, type Signal } from './SignalTable'
import { watchWords } from './words'

/** The signal that a task or a search points at, above the list. */
function Chosen({ id }: { id: string }) {
  const text = useText()
  const found = useGet<Signal>(`/signals/${id}`)
  return (
    <Async of={found}>
      {(signal) => (
        <Card size="small" title={<><LevelTag level={signal.level} /> {text(signal.name)} · <A href={`/firms/${signal.firm_id}?tab=signals`}>{signal.firm_name}</A></>}>
          <p style={{ marginTop: 0 }}>{text(signal.reason)}</p>
          <SignalDetail signal={signal} />
        </Card>
      )}
    </Async>
  )
}

export default function Signals() {
  const say = useWords(watchWords)
  const [url] = useUrlState()
  return (
    <div className="page">
      <PageHeader title={say('signals')} hint={say('signalsHint')} />
      {url.id ? <Chosen id={url.id} /> : null}
      <SignalTable name="signals" />
    </div>
  )
}
