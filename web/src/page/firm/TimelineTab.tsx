import { useGet } from '../../api/hooks'
import { useLang } from '../../i18n/words'
import { A } from '../../shell/go'
import { objectHref, objectName } from '../../shell/objects'
import { Async } from '../../widget/Async'
import { Timeline } from '../../widget/Lists'
import { both } from '../../widget/values'

type Entry = { id: string; at: string; type: string; zh?: string; en?: string; object?: string; object_id?: string; detail_zh?: string; detail_en?: string }

export function TimelineTab({ id }: { id: string }) {
  const lang = useLang()
  const found = useGet<{ items: Entry[] | null }>(`/firms/${id}/timeline`, { limit: 200 })
  return (
    <Async of={found}>
      {(data) => (
        <Timeline items={(data.items ?? []).map((entry) => {
          const href = objectHref(entry.object, entry.object_id)
          const title = both(lang, entry.zh, entry.en) || entry.type
          return { id: entry.id, at: entry.at, title: href ? <A href={href}>{title}</A> : title, detail: both(lang, entry.detail_zh, entry.detail_en) || objectName(entry.object, lang) }
        })} />
      )}
    </Async>
  )
}
