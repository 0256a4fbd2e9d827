import { Alert, Button, Form, Modal, type FormInstance } from 'antd'
import { useState, type ReactNode } from 'react'
import { useAction, type Act } from '../api/hooks'
import type { Problem } from '../api/problem'
import { ProblemText } from '../api/toast'
import { useWords } from '../i18n/words'
import { widgetWords } from './words'

type Props<V, T> = {
  title: string
  onClose: () => void
  /** What is sent when the form is complete. */
  act: (values: V) => Act
  stale?: string[]
  done?: string
  onDone?: (data: T) => void
  initial?: Partial<V>
  okText?: string
  danger?: boolean
  /** What to do when somebody else changed the thing meanwhile: shows it anew. */
  onStale?: () => void
  width?: number
  children: ReactNode | ((form: FormInstance<V>) => ReactNode)
}

/** A change that needs a few fields. What the server refuses is shown at the field it names. */
export function FormModal<V extends object, T = unknown>(props: Props<V, T>) {
  const say = useWords(widgetWords)
  const [form] = Form.useForm<V>()
  const [problem, setProblem] = useState<Problem>()
  const { run, busy } = useAction<T>({
    ...(props.stale ? { stale: props.stale } : {}),
    ...(props.done ? { done: props.done } : {}),
    onDone: (data) => {
      props.onClose()
      props.onDone?.(data)
    },
    onProblem: (found) => {
      setProblem(found)
      // Every field of the form, those that were never touched too.
      const values = { ...(form.getFieldsValue(true) as object), ...(form.getFieldsValue() as object) } as Record<string, unknown>
      for (const item of found.items) {
        const path = item.field?.split('.') ?? []
        const value = path[0] ? values[path[0]] : undefined
        if (path[0] && path[0] in values) form.setFields([{ name: (path.length > 1 && typeof value === 'object' && value !== null && !Array.isArray(value) ? path : path[0]) as never, errors: [item.message] }])
      }
      return true
    },
  })
  const submit = async () => {
    const values = await form.validateFields().catch(() => undefined)
    if (!values) return
    setProblem(undefined)
    await run(props.act(values))
  }
  return (
    <Modal open title={props.title} onCancel={props.onClose} onOk={() => void submit()} confirmLoading={busy} width={props.width ?? 520} mask={{ closable: false }} okButtonProps={{ danger: props.danger ?? false, 'data-testid': 'modal-ok' } as never} {...(props.okText ? { okText: props.okText } : {})}>
      {problem ? <Alert type="error" showIcon title={problem.message} description={<ProblemText problem={problem} />} style={{ marginBottom: 16 }} role="alert" action={problem.code === 'STALE_VERSION' && props.onStale ? <Button size="small" onClick={props.onStale} data-testid="load-newest">{say('loadNewest')}</Button> : null} /> : null}
      <Form<V> form={form} layout="vertical" initialValues={props.initial ?? {}} onFinish={() => void submit()} preserve={false}>
        {typeof props.children === 'function' ? props.children(form) : props.children}
        <button type="submit" hidden />
      </Form>
    </Modal>
  )
}
