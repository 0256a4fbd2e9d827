import { words } from '../i18n/words'

export const apiWords = words({
  offline: ['无法连接服务器', 'The server cannot be reached'],
  offlineRemedy: ['请检查网络后重试；已提交的操作不会重复执行。', 'Check the network and try again; what was submitted is never done twice.'],
  unreadable: ['服务器的回答无法读取（{status}）', 'The server’s answer could not be read ({status})'],
  unreadableRemedy: ['请稍后重试；如仍出现，请把时间告诉管理员。', 'Try again later; if it stays, tell the administrator the time.'],
  row: ['第 {row} 行', 'row {row}'],
  field: ['字段', 'Field'],
})
