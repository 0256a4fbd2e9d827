import { Select } from 'antd'
import { useGet, type Page } from '../../api/hooks'
import { useLang } from '../../i18n/words'
import { both } from '../../widget/values'
import { roleName, roleWords } from './roleWords'

export type Role = { code: string; name: string; name_en: string; builtin: boolean; permissions: string[] | null; version: number }
export type Branch = { id: string; code: string; name: string; name_en: string; path: string; parent_id?: string; version: number }
export type Permission = { code: string; zh: string; en: string; roles?: string[] }

/** The roles that can be given to a person here: built in, and the institution's own. */
export function useRoles(): { value: string; label: string }[] {
  const lang = useLang()
  const roles = useGet<Page<Role>>('/roles')
  const items = roles.data?.items
  return items ? items.map((role) => ({ value: role.code, label: both(lang, role.name, role.name_en) || roleName(lang, role.code) })) : Object.keys(roleWords).map((value) => ({ value, label: roleName(lang, value) }))
}

export function BranchSelect({ value, onChange, id }: { value?: string; onChange?: (value: string) => void; id?: string }) {
  const lang = useLang()
  const branches = useGet<Page<Branch>>('/branches', { limit: 200 })
  const options = (branches.data?.items ?? []).map((branch) => ({ value: branch.id, label: `${'　'.repeat(Math.max(0, branch.path.split('/').length - 3))}${both(lang, branch.name, branch.name_en)}` }))
  return <Select options={options} loading={branches.isLoading} showSearch={{ optionFilterProp: 'label' }} value={value ?? null} onChange={(picked: string | null) => picked && onChange?.(picked)} {...(id ? { id } : {})} />
}
