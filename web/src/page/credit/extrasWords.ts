import { words } from '../../i18n/words'

export const extrasWords = words({
  proceeds: ['实际到账', 'Paid out'],
  withheld: ['预扣利息', 'Interest kept back'],
  deposit: ['保证金', 'Deposit'],
  last_rents: ['抵付最后租金及留购价款', 'pays the last rents and the purchase price'],
  return: ['结清后退还', 'goes back when settled'],
  residual: ['留购价款', 'Purchase price at the end'],
  rents: ['租金支付', 'Rents'],
  inAdvance: ['期初', 'in advance'],
  inArrears: ['期末', 'in arrears'],
  share: ['销售额还款比例', 'Share of sales'],
  minimum: ['每期最低', 'At least a period'],
  cap: ['每期最高', 'At most a period'],
  expected: ['预计月销售额（试算用）', 'Sales a month that the plan assumes'],
  stages: ['放款次数上限', 'Disbursements at most'],
})
