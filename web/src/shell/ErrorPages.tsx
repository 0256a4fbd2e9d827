import { Button, Result, Typography } from 'antd'
import { asProblem } from '../api/problem'
import { useWords } from '../i18n/words'
import { A } from './go'
import { shellWords } from './words'

export function NotFound() {
  const say = useWords(shellWords)
  return <Result status="404" title={say('notFound')} subTitle={say('notFoundHint')} extra={<A href="/">{say('goHome')}</A>} />
}

export function Forbidden({ permission }: { permission?: string }) {
  const say = useWords(shellWords)
  return <Result status="403" title={say('forbidden')} subTitle={say('forbiddenHint', { permission: permission ?? '—' })} extra={<A href="/">{say('goHome')}</A>} />
}

/** What is shown when a page or a chunk of it fails; what the server said is repeated, never hidden. */
export function Broken({ error, reset }: { error: unknown; reset?: () => void }) {
  const say = useWords(shellWords)
  const problem = asProblem(error)
  const again = (
    <Button type="primary" onClick={() => (reset && problem.offline ? reset() : location.reload())}>
      {say('reload')}
    </Button>
  )
  if (problem.status === 404) return <NotFound />
  if (problem.status === 403) return <Forbidden permission={problem.code} />
  if (problem.offline) return <Result status="warning" title={problem.message} subTitle={problem.remedy} extra={again} />
  return (
    <Result status="500" title={say('broken')} subTitle={say('brokenHint')} extra={again}>
      <Typography.Paragraph className="mono">{problem.code} {problem.message}</Typography.Paragraph>
    </Result>
  )
}
