import { sayCode, words, type Lang } from '../i18n/words'

/** The kinds of things that tasks, search hits, audit records and notifications point at. */
export const objectWords = words({
  firm: ['企业', 'Firm'],
  application: ['申请', 'Application'],
  decision: ['决策', 'Decision'],
  facility: ['额度', 'Facility'],
  contract: ['合同', 'Contract'],
  loan: ['借据', 'Loan'],
  model: ['模型', 'Model'],
  product: ['产品', 'Product'],
  import: ['导入', 'Import'],
  signal: ['预警', 'Signal'],
  proposal: ['复核', 'Proposal'],
  approval: ['审批', 'Approval'],
  job: ['任务', 'Job'],
  user: ['用户', 'User'],
  role: ['角色', 'Role'],
  branch: ['网点', 'Branch'],
  institution: ['机构', 'Institution'],
  webhook: ['推送', 'Webhook'],
  event: ['事件', 'Event'],
  api_key: ['密钥', 'API key'],
  session: ['会话', 'Session'],
  consent: ['授权', 'Consent'],
  loan_sum: ['借据汇总', 'Sum over loans'],
  receipt: ['来款', 'Receipt'],
  receipt_file: ['来款文件', 'File of payments'],
  journal_entry: ['分录', 'Journal entry'],
  voucher: ['手工凭证', 'Voucher'],
  account: ['科目', 'Account'],
  period: ['会计期间', 'Period'],
  year_close: ['年终结转', 'End of a year'],
  revaluation: ['外币重估', 'Revaluation'],
  ledger_recipe: ['记账规则', 'Accounting recipe'],
  ledger_rate: ['汇率', 'Exchange rates'],
})

const addresses: Record<string, (id: string) => string> = {
  firm: (id) => `/firms/${id}`,
  application: (id) => `/applications/${id}`,
  decision: (id) => `/decisions/${id}`,
  facility: (id) => `/facilities/${id}`,
  contract: (id) => `/contracts/${id}`,
  loan: (id) => `/loans/${id}`,
  model: (id) => `/models/${id}`,
  product: (id) => `/products/${id}`,
  import: (id) => `/imports/${id}`,
  receipt: (id) => `/receipts/${id}`,
  receipt_file: (id) => `/receipts/files/${id}`,
  signal: (id) => `/signals?id=${id}`,
  proposal: (id) => `/proposals?id=${id}`,
  approval: (id) => `/approvals/${id}`,
  journal_entry: (id) => `/journal/${id}`,
  account: (id) => `/accounts/${id}`,
  job: (id) => `/jobs?id=${id}`,
}

/** The page that shows a thing, or undefined when it has none. */
export function objectHref(kind: string | undefined, id: string | undefined): string | undefined {
  return kind && id ? addresses[kind]?.(id) : undefined
}

export function objectName(kind: string | undefined, lang: Lang): string {
  return sayCode(objectWords, lang, kind)
}
