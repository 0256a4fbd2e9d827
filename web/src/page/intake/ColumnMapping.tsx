import { Alert, Card, Select, Tag } from 'antd'
import { useLang, useWords } from '../../i18n/words'
import type { Preview } from './types'
import { intakeWords } from './words'

type Props = { preview: Preview; own: Record<string, string>; onChange: (own: Record<string, string>) => void }

const parties = ['seller', 'buyer', 'counterparty']

/** For each field the column of the file that is read as it. What a person chooses goes before what was recognised. */
export function ColumnMapping({ preview, own, onChange }: Props) {
  const say = useWords(intakeWords)
  const lang = useLang()
  const name = (field: string) => { const word = `field_${field}`; return word in intakeWords ? say(word as keyof typeof intakeWords) : field }
  const headings = [...new Set(preview.headings)].filter((heading) => heading !== '')
  const choose = (field: string, heading: string | null) => {
    // One column is one field: choosing it here takes it from where it was chosen before.
    const next = Object.fromEntries(Object.entries(own).filter(([other, taken]) => other !== field && taken !== heading))
    onChange(heading ? { ...next, [field]: heading } : next)
  }
  const lacks = (field: string) => preview.missing.includes(field) || (preview.missing.includes('counterparty') && parties.includes(field))
  return (
    <Card size="small" title={say('mapping')}>
      <div className="stack" style={{ gap: 12 }}>
        <div className="muted">{say('mappingHint')}</div>
        {preview.missing.length > 0 ? <Alert type="warning" showIcon title={say('mappingMissing', { fields: preview.missing.map(name).join(lang === 'zh' ? '、' : ', ') })} data-testid="mapping-missing" /> : null}
        <div className="fields" style={{ rowGap: 12 }}>
          {preview.fields.map((field) => {
            const heading = preview.columns.find((column) => column.field === field.name)?.heading
            return (
              <label key={field.name} className="stack" style={{ gap: 4 }}>
                <span className="row" style={{ gap: 4 }}>{name(field.name)}{field.required ? <span className="muted">· {say('needed')}</span> : null}{own[field.name] ? <Tag color="blue">{say('byYou')}</Tag> : null}</span>
                <Select
                  value={heading ?? null}
                  placeholder={say('notInFile')}
                  allowClear={Boolean(own[field.name])}
                  showSearch
                  status={lacks(field.name) ? 'warning' : ''}
                  aria-label={name(field.name)}
                  data-testid={`column-${field.name}`}
                  onChange={(chosen: string | undefined) => choose(field.name, chosen ?? null)}
                  options={headings.map((value) => ({ value, label: value }))}
                />
              </label>
            )
          })}
        </div>
        {preview.unknown_headings.length > 0 ? <div className="muted">{say('unknownHeadings')}：{preview.unknown_headings.join('、')}</div> : null}
      </div>
    </Card>
  )
}
