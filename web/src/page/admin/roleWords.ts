import { sayCode, words, type Lang } from '../../i18n/words'

/** Built-in roles. A role of the institution's own is shown by its name. */
export const roleWords = words({
  relationship_manager: ['客户经理', 'Relationship manager'],
  approver: ['审批人', 'Approver'],
  operations: ['运营', 'Operations'],
  risk: ['风险', 'Risk'],
  compliance: ['合规', 'Compliance'],
  admin: ['管理员', 'Administrator'],
  integrator: ['系统对接', 'Integrator'],
})

export function roleName(lang: Lang, code: string | undefined): string {
  return sayCode(roleWords, lang, code)
}
