import ArrowDownOutlined from '@ant-design/icons/ArrowDownOutlined'
import ArrowUpOutlined from '@ant-design/icons/ArrowUpOutlined'
import { Alert, Button, InputNumber, Modal } from 'antd'
import { useState } from 'react'
import { useAction, useGet } from '../../api/hooks'
import { useWords } from '../../i18n/words'
import { useMay } from '../../shell/session'
import { Async } from '../../widget/Async'
import { receiptWords } from './words'

export type RuleName = 'collection' | 'loan_number' | 'exact_due' | 'payer' | 'payer_name'
export type OrderKey = 'due' | 'security' | 'burden' | 'earliest'
export type Policy = { rules: { name: RuleName; score: number }[]; post_from: number; loan_order: OrderKey[]; version: number }

function moved<T>(list: T[], at: number, by: number): T[] {
  const out = [...list]
  const [one] = out.splice(at, 1)
  out.splice(at + by, 0, one!)
  return out
}

function Movers({ at, of, onMove }: { at: number; of: number; onMove: (by: number) => void }) {
  return (
    <span className="row" style={{ flexWrap: 'nowrap', gap: 0 }}>
      <Button type="text" size="small" icon={<ArrowUpOutlined />} aria-label="↑" disabled={at === 0} onClick={() => onMove(-1)} />
      <Button type="text" size="small" icon={<ArrowDownOutlined />} aria-label="↓" disabled={at === of - 1} onClick={() => onMove(1)} />
    </span>
  )
}

function Editor({ policy, onClose }: { policy: Policy; onClose: () => void }) {
  const say = useWords(receiptWords)
  const may = useMay()('receipt.handle')
  const [draft, setDraft] = useState(policy)
  const propose = useAction({ stale: ['/receipt-policy', '/proposals'], done: say('proposed'), onDone: onClose })
  const changed = JSON.stringify(draft) !== JSON.stringify(policy)
  return (
    <div className="stack">
      <span className="muted">{say('policyHint')}</span>
      {draft.rules.map((rule, at) => (
        <div key={rule.name} className="row between" style={{ flexWrap: 'nowrap' }}>
          <span>{at + 1}. {say(`rule_${rule.name}`)}</span>
          <span className="row" style={{ flexWrap: 'nowrap' }}>
            <InputNumber min={0} max={100} value={rule.score} aria-label={say('score')} style={{ width: 72 }} onChange={(score) => setDraft({ ...draft, rules: draft.rules.map((one) => (one.name === rule.name ? { ...one, score: score ?? 0 } : one)) })} />
            <Movers at={at} of={draft.rules.length} onMove={(by) => setDraft({ ...draft, rules: moved(draft.rules, at, by) })} />
          </span>
        </div>
      ))}
      <label className="row between"><span>{say('postFrom')}</span><InputNumber min={0} max={101} value={draft.post_from} style={{ width: 72 }} onChange={(value) => setDraft({ ...draft, post_from: value ?? 101 })} /></label>
      <b>{say('loanOrder')}</b>
      {draft.loan_order.map((key, at) => (
        <div key={key} className="row between"><span>{at + 1}. {say(`order_${key}`)}</span><Movers at={at} of={draft.loan_order.length} onMove={(by) => setDraft({ ...draft, loan_order: moved(draft.loan_order, at, by) })} /></div>
      ))}
      {changed ? <Alert type="info" showIcon title={say('twoPersons')} action={may ? <Button type="primary" size="small" loading={propose.busy} data-testid="policy-propose" onClick={() => void propose.run({ path: '/receipt-policy', body: { rules: draft.rules, post_from: draft.post_from, loan_order: draft.loan_order } })}>{say('propose')}</Button> : null} /> : null}
    </div>
  )
}

/** How receipts are matched: the rules in order, how sure each is, and who is paid first. */
export function PolicyForm({ onClose }: { onClose: () => void }) {
  const say = useWords(receiptWords)
  const found = useGet<Policy>('/receipt-policy')
  return (
    <Modal open title={say('policy')} onCancel={onClose} footer={null} width={640}>
      <Async of={found}>{(policy) => <Editor key={policy.version} policy={policy} onClose={onClose} />}</Async>
    </Modal>
  )
}
