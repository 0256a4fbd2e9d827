import { Alert, Button, Card, Form, Input, QRCode, Typography } from 'antd'
import { useState } from 'react'
import { useAction } from '../../api/hooks'
import { useLang, useWords } from '../../i18n/words'
import { refreshSession, useSession } from '../../shell/session'
import { DataTable } from '../../widget/DataTable'
import { instant } from '../../widget/format'
import { FormModal } from '../../widget/FormModal'
import { PageHeader } from '../../widget/PageHeader'
import { StateTag } from '../../widget/values'
import { PasswordFields } from './PasswordFields'
import { adminWords } from './words'

type Enrolment = { secret: string; uri: string }
type SessionRow = { id: string; via: string; address: string; agent: string; created_at: string; seen_at: string; expires_at: string; current: boolean }

/** One's own second factor. The code is drawn here; the secret goes to no other host. */
export default function Security() {
  const say = useWords(adminWords)
  const session = useSession()
  const [enrolment, setEnrolment] = useState<Enrolment>()
  const [codes, setCodes] = useState<string[]>()
  const [changing, setChanging] = useState(false)
  const [stopping, setStopping] = useState(false)
  const begin = useAction<Enrolment>({ onDone: setEnrolment })
  const confirm = useAction<{ recovery_codes: string[] | null }>({
    done: say('saved'),
    onDone: (made) => {
      setCodes(made.recovery_codes ?? [])
      setEnrolment(undefined)
      void refreshSession()
    },
  })
  const code = [{ required: true, pattern: /^\d{6}$/, message: say('sixDigits') }]
  return (
    <div className="page">
      <PageHeader title={say('security')} hint={say('totpHint')} />
      <Card title={say('totp')} style={{ maxWidth: 560 }}>
        <div className="stack">
          <Alert type={session.totp_enabled ? 'success' : 'warning'} showIcon title={session.totp_enabled ? say('totpIsOn') : say('totpIsOff')} />
          {enrolment ? (
            <>
              <div>{say('totpScan')}</div>
              <div className="row"><QRCode value={enrolment.uri} type="svg" bgColor="#fff" color="#000" /><Typography.Text copyable className="mono">{enrolment.secret}</Typography.Text></div>
              <Form<{ code: string }> layout="inline" onFinish={(values) => void confirm.run({ path: '/session/totp/confirm', body: { code: values.code } })}>
                <Form.Item name="code" rules={code}><Input inputMode="numeric" maxLength={6} placeholder={say('sixDigits')} aria-label={say('sixDigits')} autoComplete="one-time-code" /></Form.Item>
                <Button type="primary" htmlType="submit" loading={confirm.busy}>{say('totpConfirm')}</Button>
              </Form>
            </>
          ) : session.totp_enabled ? (
            <Button danger onClick={() => setStopping(true)}>{say('totpStop')}</Button>
          ) : (
            <Button type="primary" loading={begin.busy} onClick={() => void begin.run({ path: '/session/totp' })}>{say('totpStart')}</Button>
          )}
        </div>
      </Card>
      {codes?.length ? <Alert type="warning" showIcon title={say('recovery')} description={<Typography.Paragraph copyable={{ text: codes.join('\n') }} className="mono">{codes.join('  ')}</Typography.Paragraph>} /> : null}
      <Card title={say('changePassword')} style={{ maxWidth: 560 }}><Button onClick={() => setChanging(true)}>{say('changePassword')}</Button></Card>
      <Sessions />
      {changing ? <PasswordForm onClose={() => setChanging(false)} /> : null}
      {stopping ? (
        <FormModal<{ code: string }> title={say('totpStop')} danger onClose={() => setStopping(false)} done={say('saved')} onDone={() => void refreshSession()} act={(values) => ({ path: '/session/totp/disable', body: values })}>
          <Form.Item name="code" label={say('sixDigits')} rules={code}><Input inputMode="numeric" maxLength={6} autoComplete="one-time-code" /></Form.Item>
        </FormModal>
      ) : null}
    </div>
  )
}

function Sessions() {
  const say = useWords(adminWords)
  const lang = useLang()
  const end = useAction({ stale: ['/sessions'] })
  return (
    <Card title={say('sessions')}>
      <DataTable<SessionRow>
        name="sessions"
        path="/sessions"
        brief={50}
        rowKey={(row) => row.id}
        columns={[
          { key: 'device', title: say('device'), text: (row) => row.agent, render: (row) => <div style={{ maxWidth: 420 }} className="muted">{row.agent}</div> },
          { key: 'address', title: say('address'), text: (row) => row.address },
          { key: 'seen', title: say('lastUsed'), text: (row) => instant(row.seen_at, lang) },
          { key: 'act', title: '', render: (row) => (row.current ? <StateTag text={say('here')} tone="good" /> : <Button size="small" loading={end.busy} onClick={() => void end.run({ path: `/sessions/${row.id}`, method: 'DELETE' })}>{say('endSession')}</Button>) },
        ]}
      />
    </Card>
  )
}

/** Changing one's own password; the server ends the other sessions. */
function PasswordForm({ onClose }: { onClose: () => void }) {
  const say = useWords(adminWords)
  return (
    <FormModal<{ password: string; new_password: string }> title={say('changePassword')} onClose={onClose} done={say('saved')} stale={['/sessions']} act={(values) => ({ path: '/session/password', body: values })}>
      <PasswordFields />
    </FormModal>
  )
}
