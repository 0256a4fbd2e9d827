import { useWords } from '../../i18n/words'
import { PageHeader } from '../../widget/PageHeader'
import { FeatureTable } from './FeatureTable'
import { insightWords } from './words'

export default function Features() {
  const say = useWords(insightWords)
  return (
    <div className="page">
      <PageHeader title={say('features')} hint={say('featuresHint')} />
      <FeatureTable />
    </div>
  )
}
