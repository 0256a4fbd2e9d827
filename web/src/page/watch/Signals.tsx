import { useWords } from '../../i18n/words'
import { PageHeader } from '../../widget/PageHeader'
import { SignalTable } from './SignalTable'
import { watchWords } from './words'

export default function Signals() {
  const say = useWords(watchWords)
  return (
    <div className="page">
      <PageHeader title={say('signals')} hint={say('signalsHint')} />
      <SignalTable name="signals" />
    </div>
  )
}
