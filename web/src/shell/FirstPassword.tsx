import { Alert, Button, Form } from 'antd'
import { useAction } from '../api/hooks'
import { useWords } from '../i18n/words'
import { PasswordFields } from '../page/admin/PasswordFields'
import { adminWords } from '../page/admin/words'
import { useGo } from './go'
import { refreshSession } from './session'

/** The one page a person sees whose password was set by somebody else. */
export default function FirstPassword() {
  const say = useWords(adminWords)
  const go = useGo()
  const change = useAction({ done: say('saved'), onDone: () => void refreshSession().then(() => go('/', true)) })
  return (
    <main style={{ minHeight: '100%', display: 'grid', placeItems: 'center', padding: 16, boxSizing: 'border-box' }}>
      <div style={{ width: 'min(380px, 100%)' }}>
        <Alert type="warning" showIcon title={say('mustChange')} description={say('mustChangeHint')} style={{ marginBottom: 16 }} />
        <Form<{ password: string; new_password: string }> layout="vertical" size="large" onFinish={(values) => void change.run({ path: '/session/password', body: values })}>
          <PasswordFields />
          <Button type="primary" htmlType="submit" block loading={change.busy}>{say('save')}</Button>
        </Form>
      </div>
    </main>
  )
}
