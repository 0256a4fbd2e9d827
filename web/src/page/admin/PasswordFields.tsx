import { Form, Input } from 'antd'
import { useWords } from '../../i18n/words'
import { adminWords } from './words'

export function PasswordFields() {
  const say = useWords(adminWords)
  return (
    <>
      <Form.Item name="password" label={say('oldPassword')} rules={[{ required: true, message: say('required') }]}><Input.Password maxLength={256} autoComplete="current-password" /></Form.Item>
      <Form.Item name="new_password" label={say('newPassword')} extra={say('passwordHint')} rules={[{ required: true, min: 12, message: say('passwordHint') }]}><Input.Password maxLength={256} autoComplete="new-password" /></Form.Item>
    </>
  )
}
