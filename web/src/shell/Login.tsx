import { Alert, Button, Form, Input, Typography } from 'antd'
import { useState } from 'react'
import { call } from '../api/client'
import { useGet } from '../api/hooks'
import { asProblem, type Problem } from '../api/problem'
import { ProblemText } from '../api/toast'
import { useWords } from '../i18n/words'
import { LanguageSwitch, ThemeSwitch } from './Preferences'
import { useGo, useUrlState } from './go'
import { Logo } from './icons'
import { refreshSession } from './session'
import { shellWords } from './words'

type Fields = { institution: string; login: string; password: string; totp?: string }

/** An address of this console only: never another site's, which `next` could name. */
function safeNext(next: string | undefined): string {
  return next && /^\/(?![/\\])/.test(next) ? next : '/'
}

export default function Login() {
  const say = useWords(shellWords)
  const go = useGo()
  const [url] = useUrlState()
  const [problem, setProblem] = useState<Problem>()
  const [busy, setBusy] = useState(false)
  const [askCode, setAskCode] = useState(false)

  const options = useGet<{ sign_on: boolean }>('/session/options')

  const submit = async (fields: Fields) => {
    if (busy) return
    setBusy(true)
    setProblem(undefined)
    try {
      await call('POST', '/session', { body: Object.fromEntries(Object.entries(fields).filter(([, value]) => value)) })
      await refreshSession()
      go(safeNext(url.next), true)
    } catch (error) {
      const found = asProblem(error)
      if (found.code === 'TOTP_REQUIRED') setAskCode(true)
      else setProblem(found)
    } finally {
      setBusy(false)
    }
  }
  const rule = (name: 'login' | 'password' | 'code') => [{ required: true, message: say('required', { name: say(name) }) }]
  return (
    <main style={{ minHeight: '100%', display: 'grid', placeItems: 'center', padding: 16, boxSizing: 'border-box' }}>
      <div style={{ width: 'min(380px, 100%)' }}>
        <div className="row between">
          <div className="row"><Logo size={34} /><Typography.Title level={3} style={{ margin: 0 }}>{say('brand')}</Typography.Title></div>
          <div className="row" style={{ gap: 0 }}><LanguageSwitch /><ThemeSwitch /></div>
        </div>
        <p className="muted" style={{ marginTop: 8 }}>{say('tagline')}</p>
        {url.ended && !problem ? <Alert type="info" showIcon title={say('ended')} style={{ marginBottom: 16 }} /> : null}
        {problem ? <Alert type="error" showIcon title={problem.message} description={<ProblemText problem={problem} />} style={{ marginBottom: 16 }} role="alert" /> : null}
        <Form<Fields> layout="vertical" onFinish={submit} requiredMark={false} size="large" initialValues={{ institution: url.institution ?? '' }}>
          <Form.Item name="institution" label={say('institution')} extra={say('institutionHint')} hidden={askCode}><Input autoComplete="organization" maxLength={64} /></Form.Item>
          <Form.Item name="login" label={say('login')} rules={rule('login')} hidden={askCode}><Input autoComplete="username" autoFocus maxLength={64} /></Form.Item>
          <Form.Item name="password" label={say('password')} rules={rule('password')} hidden={askCode}><Input.Password autoComplete="current-password" maxLength={256} /></Form.Item>
          {askCode ? (
            <Form.Item name="totp" label={say('code')} extra={say('codeHint')} rules={rule('code')}><Input autoComplete="one-time-code" maxLength={16} autoFocus /></Form.Item>
          ) : null}
          <Button type="primary" htmlType="submit" block loading={busy} data-testid="sign-in">{say('signIn')}</Button>
          {options.data?.sign_on && !askCode ? <Button block href={`/api/v1/session/sign-on?next=${encodeURIComponent(safeNext(url.next))}`} style={{ marginTop: 12 }}>{say('signOn')}</Button> : null}
          {askCode ? <Button type="text" block onClick={() => setAskCode(false)} style={{ marginTop: 8 }}>{say('back')}</Button> : null}
        </Form>
      </div>
    </main>
  )
}
