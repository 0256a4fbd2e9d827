import type { UseQueryResult } from '@tanstack/react-query'
import { Alert, Button, Skeleton } from 'antd'
import type { ReactNode } from 'react'
import { asProblem } from '../api/problem'
import { ProblemText } from '../api/toast'
import { useWords } from '../i18n/words'
import { widgetWords } from './words'

/** Waiting, refused and failed states of one resource, written once. `missing` is what a 404 shows. */
export function Async<T>({ of, children, missing }: { of: UseQueryResult<T, Error>; children: (data: T) => ReactNode; missing?: ReactNode }) {
  const say = useWords(widgetWords)
  if (of.data !== undefined) return <>{children(of.data)}</>
  if (of.error) {
    const problem = asProblem(of.error)
    if (problem.status === 404 && missing !== undefined) return <>{missing}</>
    return <Alert type={problem.status === 403 ? 'warning' : 'error'} showIcon title={problem.message || say('refused')} description={<ProblemText problem={problem} />} action={<Button onClick={() => void of.refetch()}>{say('retry')}</Button>} />
  }
  return <Skeleton active />
}
