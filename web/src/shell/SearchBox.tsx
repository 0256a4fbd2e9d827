import SearchOutlined from '@ant-design/icons/SearchOutlined'
import { Alert, Empty, Input, Modal, Spin, Tag, type InputRef } from 'antd'
import { useEffect, useRef, useState, type KeyboardEvent } from 'react'
import { useGet } from '../api/hooks'
import { asProblem } from '../api/problem'
import { useLang, useWords } from '../i18n/words'
import { objectHref, objectName } from './objects'
import { useGo } from './go'
import { shellWords } from './words'

type Hit = { kind: string; id: string; title: string; detail?: string }

/** Search over everything the person may see. Arrow keys choose, Enter opens. */
export default function SearchBox({ onClose }: { onClose: () => void }) {
  const say = useWords(shellWords)
  const lang = useLang()
  const go = useGo()
  const [text, setText] = useState('')
  const [asked, setAsked] = useState('')
  const [at, setAt] = useState(0)
  const input = useRef<InputRef>(null)
  useEffect(() => {
    const timer = setTimeout(() => { setAsked(text.trim()); setAt(0) }, 200)
    return () => clearTimeout(timer)
  }, [text])
  const ready = asked.length >= 2
  const found = useGet<{ items: Hit[] | null }>(ready ? '/search' : undefined, { q: asked })
  const hits = ready ? (found.data?.items ?? []).filter((hit) => objectHref(hit.kind, hit.id)) : []
  const open = (hit: Hit) => {
    onClose()
    go(objectHref(hit.kind, hit.id)!)
  }
  const press = (event: KeyboardEvent) => {
    if (event.key === 'ArrowDown') setAt(Math.min(at + 1, hits.length - 1))
    else if (event.key === 'ArrowUp') setAt(Math.max(at - 1, 0))
    else if (event.key === 'Enter' && hits[at]) open(hits[at])
    else return
    event.preventDefault()
  }
  return (
    <Modal open onCancel={onClose} footer={null} closable={false} width={600} afterOpenChange={(shown) => shown && input.current?.focus()} style={{ top: 64 }} title={null}>
      <Input ref={input} size="large" prefix={<SearchOutlined />} placeholder={say('searchHint')} aria-label={say('search')} value={text} maxLength={100} onChange={(event) => setText(event.target.value)} onKeyDown={press} allowClear />
      <div style={{ marginTop: 12, minHeight: 80 }} role="listbox" aria-label={say('search')}>
        {!ready ? <div className="muted">{say('searchStart')}</div> : found.error ? <Alert type="error" title={asProblem(found.error).message} /> : found.isLoading ? <Spin /> : hits.length === 0 ? <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={say('searchEmpty', { q: asked })} /> : null}
        {hits.map((hit, index) => (
          <div key={hit.kind + hit.id} role="option" aria-selected={index === at} className="clickable row" style={{ padding: '8px 10px', borderRadius: 6, background: index === at ? 'var(--soft)' : undefined }} onMouseEnter={() => setAt(index)} onClick={() => open(hit)}>
            <Tag style={{ marginInlineEnd: 0 }}>{objectName(hit.kind, lang)}</Tag>
            <span>{hit.title}</span>
            {hit.detail ? <span className="muted">{hit.detail}</span> : null}
          </div>
        ))}
      </div>
    </Modal>
  )
}
