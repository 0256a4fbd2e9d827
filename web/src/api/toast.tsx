import { App } from 'antd'
import { useCallback } from 'react'
import { sayNow } from '../i18n/words'
import type { Problem } from './problem'
import { apiWords } from './words'

/** The text of a problem under its title: field and row errors first, then what to do. */
export function ProblemText({ problem }: { problem: Problem }) {
  const say = sayNow(apiWords)
  // What the title says already is not said again.
  const items = problem.items.filter((item) => item.message !== problem.message || item.row)
  return (
    <div>
      {items.slice(0, 8).map((item, index) => (
        <div key={index}>
          {item.row ? <b>{say('row', { row: item.row })} </b> : null}
          {item.field ? <code>{item.field}</code> : null} {item.message}
        </div>
      ))}
      {problem.remedy ? <div style={{ marginTop: items.length > 0 ? 6 : 0 }}>{problem.remedy}</div> : null}
      {problem.code ? <div className="muted mono" style={{ marginTop: 4 }}>{problem.code}</div> : null}
    </div>
  )
}

/** Shows a problem of the server as it was said: message, fields and rows, remedy, stable code. */
export function useProblemToast(): (problem: Problem) => void {
  const { notification } = App.useApp()
  return useCallback(
    (problem) => {
      // A signed-out session leads to the login page, which says so itself.
      if (problem.status === 401) return
      notification.error({ title: problem.message, description: <ProblemText problem={problem} />, placement: 'topRight', duration: problem.items.length > 0 ? 12 : 7 })
    },
    [notification],
  )
}
