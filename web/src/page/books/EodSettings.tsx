import { Button, Form, InputNumber, Input, List, Modal, Space, Switch, Tag } from 'antd'
import { useState } from 'react'
import { useAction, useGet } from '../../api/hooks'
import { useWords } from '../../i18n/words'
import { Async } from '../../widget/Async'
import { useText } from '../../widget/values'
import type { Settings } from './eodTypes'
import { booksWords } from './words'

/** The order of the steps and the hour at which the day ends by itself. */
export function EodSettings({ onClose }: { onClose: () => void }) {
  const say = useWords(booksWords)
  const settings = useGet<Settings>('/eod/settings')
  return (
    <Async of={settings}>{(data) => <Editor key={data.version} data={data} title={say('eodSettings')} onClose={onClose} />}</Async>
  )
}

function Editor({ data, title, onClose }: { data: Settings; title: string; onClose: () => void }) {
  const say = useWords(booksWords)
  const text = useText()
  const [steps, setSteps] = useState(data.steps)
  const [runAt, setRunAt] = useState(data.run_at)
  const [helpers, setHelpers] = useState(data.helpers)
  const save = useAction<Settings>({ method: 'PUT', stale: ['/eod'], done: say('saved'), onDone: onClose })
  const known = (name: string) => data.known.find((one) => one.name === name)
  const order = [...steps, ...data.known.map((one) => one.name).filter((name) => !steps.includes(name))]
  const move = (at: number, by: number) => {
    const next = [...steps]
    const [step] = next.splice(at, 1)
    next.splice(at + by, 0, step!)
    setSteps(next)
  }
  return (
    <Modal open title={title} onCancel={onClose} confirmLoading={save.busy} onOk={() => void save.run({ path: '/eod/settings', body: { steps, run_at: runAt, helpers, version: data.version } })} okButtonProps={{ 'data-testid': 'modal-ok' } as never}>
      <Form layout="vertical">
        <Form.Item label={say('steps')} extra={say('stepsHint')}>
          <List size="small" bordered dataSource={order} renderItem={(name) => {
            const at = steps.indexOf(name)
            const step = known(name)
            return (
              <List.Item actions={[
                <Button key="up" size="small" aria-label={say('up')} disabled={at < 1} onClick={() => move(at, -1)}>↑</Button>,
                <Button key="down" size="small" aria-label={say('down')} disabled={at < 0 || at === steps.length - 1} onClick={() => move(at, 1)}>↓</Button>,
                <Switch key="on" size="small" aria-label={say('inPlan')} checked={at >= 0} disabled={step?.mandatory ?? false} onChange={(on) => setSteps(on ? [...steps, name] : steps.filter((one) => one !== name))} />,
              ]}>
                <Space wrap>{text(step?.text) || name}{step?.mandatory ? <Tag>{say('mandatory')}</Tag> : null}</Space>
              </List.Item>
            )
          }} />
        </Form.Item>
        <Form.Item label={say('runAt')} extra={say('runAtHint')}><Input value={runAt} placeholder="22:30" maxLength={5} onChange={(e) => setRunAt(e.target.value)} style={{ width: 120 }} /></Form.Item>
        <Form.Item label={say('helpers')} extra={say('helpersHint')}><InputNumber min={0} max={16} value={helpers} onChange={(n) => setHelpers(n ?? 0)} /></Form.Item>
      </Form>
    </Modal>
  )
}
