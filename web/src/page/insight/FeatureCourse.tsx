import { Button } from 'antd'
import dayjs from 'dayjs'
import { useState } from 'react'
import { useAction, useGet, useInvalidate } from '../../api/hooks'
import { useLang, useWords } from '../../i18n/words'
import { useMay, useSession } from '../../shell/session'
import { Async } from '../../widget/Async'
import { Chart, type ChartOption } from '../../widget/Chart'
import { both } from '../../widget/values'
import type { Course, CoursePoint, Definition } from './types'
import { shortValue } from './value'
import { insightWords } from './words'

const MONTHS = 12

/** The month ends before a date, newest first. */
export function monthEnds(before: string): string[] {
  return Array.from({ length: MONTHS }, (_, back) => dayjs(before).subtract(back + 1, 'month').endOf('month').format('YYYY-MM-DD'))
}

/** How a feature of a firm went over the dates for which profiles are stored. */
export function FeatureCourse({ firm, one }: { firm: string; one: Definition }) {
  const say = useWords(insightWords)
  const found = useGet<Course>(`/firms/${firm}/features/${one.id}`)
  return (
    <Async of={found}>
      {(data) => {
        const points = data.points ?? []
        return (
          <div className="stack" style={{ gap: 8, maxWidth: 900 }}>
            <div className="row between"><b>{say('course')}</b><Compute firm={firm} points={points} /></div>
            {points.length < 2 ? <div className="muted">{say('courseShort')}</div> : <Line one={one} points={points} />}
          </div>
        )
      }}
    </Async>
  )
}

function Line({ one, points }: { one: Definition; points: CoursePoint[] }) {
  const say = useWords(insightWords)
  const lang = useLang()
  const name = both(lang, one.name_zh, one.name_en)
  const option: ChartOption = {
    tooltip: { trigger: 'axis', valueFormatter: (value) => shortValue(value === null || value === undefined ? null : Number(value), one.unit, lang) },
    xAxis: { type: 'category', data: points.map((point) => point.as_of) },
    yAxis: { type: 'value', scale: true, axisLabel: { formatter: (value: number) => shortValue(value, one.unit, lang) } },
    series: [{ type: 'line', name, data: points.map((point) => point.value) }],
  }
  return <Chart option={option} label={`${name} ${say('course')}`} height={220} />
}

/** Profiles of past month ends are computed when somebody asks; each reads the invoices under the firm's consent. */
function Compute({ firm, points }: { firm: string; points: CoursePoint[] }) {
  const say = useWords(insightWords)
  const may = useMay()
  const session = useSession()
  const invalidate = useInvalidate()
  const compute = useAction()
  const [done, setDone] = useState<number>()
  const known = new Set(points.map((point) => point.as_of))
  const wanted = monthEnds(points[points.length - 1]?.as_of ?? session.business_date).filter((day) => !known.has(day))
  if (!may('profile.refresh') || wanted.length === 0) return null
  const all = async () => {
    setDone(MONTHS - wanted.length)
    for (const [index, day] of wanted.entries()) {
      if ((await compute.run({ path: `/firms/${firm}/profile`, body: { as_of: day } })) === undefined) break
      setDone(MONTHS - wanted.length + index + 1)
    }
    setDone(undefined)
    await invalidate(`/firms/${firm}`)
  }
  return <Button size="small" loading={done !== undefined} onClick={() => void all()} data-testid="course-compute">{done === undefined ? say('courseCompute') : say('courseBusy', { n: done })}</Button>
}
