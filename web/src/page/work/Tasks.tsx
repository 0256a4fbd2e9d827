import { Button, Form, Input, Tag } from 'antd'
import { useState } from 'react'
import { useAction } from '../../api/hooks'
import { useLang, useWords } from '../../i18n/words'
import { A } from '../../shell/go'
import { objectHref, objectName } from '../../shell/objects'
import { useSession } from '../../shell/session'
import { DataTable, type Column } from '../../widget/DataTable'
import { instant } from '../../widget/format'
import { FormModal } from '../../widget/FormModal'
import { PageHeader } from '../../widget/PageHeader'
import { both, Instant, StateTag, type Tone } from '../../widget/values'
import { roleName } from '../admin/roleWords'
import { workWords } from './words'

export type Task = {
  id: string
  kind: string
  title_zh: string
  title_en: string
  reason_zh: string
  reason_en: string
  object: string
  object_id: string
  state: string
  assignee_id?: string
  assignee_name?: string
  role?: string
  due_at?: string
  overdue: boolean
  opened_at: string
}

const tones: Record<string, Tone> = { open: 'warn', claimed: 'busy', done: 'good' }

export function TaskTable({ compact }: { compact?: boolean }) {
  const say = useWords(workWords)
  const lang = useLang()
  const session = useSession()
  const [closing, setClosing] = useState<Task>()
  const claim = useAction({ stale: ['/tasks'] })
  const title = (task: Task) => both(lang, task.title_zh, task.title_en)
  const stateText = (state: string) => (state in workWords ? say(state as keyof typeof workWords) : state)
  const columns: Column<Task>[] = [
    { key: 'title', title: say('title'), text: title, render: (task) => { const href = objectHref(task.object, task.object_id); return <div style={{ maxWidth: 420 }}><b>{href ? <A href={href}>{title(task)}</A> : title(task)}</b><div className="muted">{both(lang, task.reason_zh, task.reason_en)}</div></div> } },
    { key: 'object', title: say('object'), text: (task) => objectName(task.object, lang), extra: compact === true },
    { key: 'due', title: say('due'), text: (task) => instant(task.due_at, lang), render: (task) => <span><Instant at={task.due_at} /> {task.overdue ? <Tag color="red">{say('overdue')}</Tag> : null}</span> },
    { key: 'role', title: say('role'), text: (task) => roleName(lang, task.role), extra: true },
    { key: 'assignee', title: say('assignee'), extra: compact === true, text: (task) => task.assignee_name || roleName(lang, task.role) },
    { key: 'state', title: say('status'), text: (task) => stateText(task.state), render: (task) => <StateTag text={stateText(task.state)} tone={tones[task.state] ?? 'plain'} /> },
    { key: 'created', title: say('created'), extra: compact === true, text: (task) => instant(task.opened_at, lang), render: (task) => <Instant at={task.opened_at} /> },
    {
      key: 'act', title: '', render: (task) => (
        <div className="row" style={{ justifyContent: 'end' }}>
          {task.state === 'open' ? <Button size="small" loading={claim.busy} onClick={() => void claim.run({ path: `/tasks/${task.id}/claim` })}>{say('claim')}</Button> : null}
          {task.state === 'claimed' && task.assignee_id === session.user_id ? <><Button size="small" loading={claim.busy} onClick={() => void claim.run({ path: `/tasks/${task.id}/release` })}>{say('release')}</Button><Button size="small" type="primary" onClick={() => setClosing(task)}>{say('complete')}</Button></> : null}
        </div>
      ),
    },
  ]
  return (
    <>
      <DataTable<Task>
        name={compact ? 'tasks-home' : 'tasks'}
        path="/tasks"
        every={30_000}
        {...(compact ? { brief: 6 } : {})}
        columns={columns}
        rowKey={(task) => task.id}
        empty={{ text: say('noTasks') }}
        filters={compact ? [] : [
          { kind: 'choice', name: 'view', label: say('view'), options: (['mine', 'queue', 'branch'] as const).map((value) => ({ value, label: say(value) })) },
          { kind: 'choice', name: 'state', label: say('status'), options: ['open', 'claimed', 'done'].map((value) => ({ value, label: stateText(value) })) },
        ]}
      />
      {closing ? (
        <FormModal<{ note: string }> title={say('completeTitle')} onClose={() => setClosing(undefined)} stale={['/tasks']} done={say('completed')} act={(values) => ({ path: `/tasks/${closing.id}/complete`, body: { outcome: 'done', note: values.note ?? '' } })}>
          <p><b>{title(closing)}</b></p>
          <Form.Item name="note" label={say('outcome')} extra={say('outcomeHint')} rules={[{ required: true, whitespace: true, message: say('outcomeHint') }]}><Input.TextArea rows={3} maxLength={1000} showCount /></Form.Item>
        </FormModal>
      ) : null}
    </>
  )
}

export default function Tasks() {
  const say = useWords(workWords)
  return (
    <div className="page">
      <PageHeader title={say('tasks')} hint={say('tasksHint')} />
      <TaskTable />
    </div>
  )
}
