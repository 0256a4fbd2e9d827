import { useGet } from '../../api/hooks'
import { useLang } from '../../i18n/words'
import { A } from '../../shell/go'
import { objectHref, objectName } from '../../shell/objects'
import { Async } from '../../widget/Async'
import { money } from '../../widget/format'
import { Timeline } from '../../widget/Lists'
import { useText, type Text } from '../../widget/values'

type Entry = { id: string; at: string; type: string; title: Text; actor: string; object: string; object_id: string; data: unknown }

/** Figures of the event; amounts are named by their field. */
function figures(data: unknown): string {
  if (typeof data !== 'object' || data === null) return ''
  return Object.entries(data)
    .filter(([name, value]) => name.endsWith('_minor') && typeof value === 'number')
    .map(([, value]) => money(value as number))
    .join(' · ')
}

export function TimelineTab({ id }: { id: string }) {
  const lang = useLang()
  const text = useText()
  const found = useGet<{ items: Entry[] | null }>(`/firms/${id}/timeline`, { limit: 60 })
  return (
    <Async of={found}>
      {(data) => (
        <Timeline items={(data.items ?? []).map((entry) => {
          const href = objectHref(entry.object, entry.object_id)
          const title = text(entry.title) || entry.type
          return { id: entry.id, at: entry.at, title: href ? <A href={href}>{title}</A> : title, detail: <span className="muted">{objectName(entry.object, lang)} {figures(entry.data)}</span>, tone: /declin|frozen|freeze|overdue|signal/.test(entry.type) ? ('bad' as const) : /approved|disbursed|repaid|settled/.test(entry.type) ? ('good' as const) : ('plain' as const) }
        })} />
      )}
    </Async>
  )
}
