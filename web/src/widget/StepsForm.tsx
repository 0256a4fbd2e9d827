import { Button, Steps } from 'antd'
import { useState, type ReactNode } from 'react'
import { useWords } from '../i18n/words'
import { widgetWords } from './words'

export type Step = { key: string; title: string; body: ReactNode; /** Whether one may go on; may ask the server first. */ ready: boolean; onNext?: () => Promise<boolean>; final?: boolean }

/** A form in steps: each step says itself when it is complete, and what was entered survives going back. */
export function StepsForm({ steps, onFinish, busy }: { steps: Step[]; onFinish?: () => void; busy?: boolean }) {
  const say = useWords(widgetWords)
  const [at, setAt] = useState(0)
  const step = steps[at]!
  const last = at === steps.length - 1
  const next = async () => {
    if (step.onNext && !(await step.onNext())) return
    if (last) onFinish?.()
    else setAt(at + 1)
  }
  return (
    <div className="stack">
      <Steps current={at} size="small" responsive items={steps.map((one) => ({ key: one.key, title: one.title }))} />
      <div style={{ minHeight: 160 }}>{step.body}</div>
      {step.final ? null : (
        <div className="row">
          {at > 0 ? <Button onClick={() => setAt(at - 1)} disabled={busy ?? false}>{say('prevStep')}</Button> : null}
          <Button type="primary" disabled={!step.ready} loading={busy ?? false} onClick={() => void next()} data-testid="step-next">{last ? say('finish') : say('nextStep')}</Button>
        </div>
      )}
    </div>
  )
}
