import { Alert, Button, Card, Form, Input, QRCode, Typography } from 'antd'
import { useState } from 'react'
import { useAction } from '../../api/hooks'
import { useWords } from '../../i18n/words'
import { refreshSession, useSession } from '../../shell/session'
import { FormModal } from '../../widget/FormModal'
import { PageHeader } from '../../widget/PageHeader'
import { adminWords } from './words'

type Enrolment = { secret: string; url: string }

/** One's own second factor. The code is drawn here; the secret goes to no other host. */
export default function Security() {
  const say = useWords(adminWords)
  const session = useSession()
  const [enrolment, setEnrolment] = useState<Enrolment>()
  const [stopping, setStopping] = useState(false)
  const begin = useAction<Enrolment>({ onDone: setEnrolment })
  const confirm = useAction({
    done: say('saved'),
    onDone: () => {
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
              <div className="row"><QRCode value={enrolment.url} type="svg" bgColor="#fff" color="#000" /><Typography.Text copyable className="mono">{enrolment.secret}</Typography.Text></div>
              <Form<{ code: string }> layout="inline" onFinish={(values) => void confirm.run({ path: '/session/totp', method: 'PUT', body: { code: values.code } })}>
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
      {stopping ? (
        <FormModal<{ code: string }> title={say('totpStop')} danger onClose={() => setStopping(false)} done={say('saved')} onDone={() => void refreshSession()} act={(values) => ({ path: '/session/totp', method: 'DELETE', body: values })}>
          <Form.Item name="code" label={say('sixDigits')} rules={code}><Input inputMode="numeric" maxLength={6} autoComplete="one-time-code" /></Form.Item>
        </FormModal>
      ) : null}
    </div>
  )
}
