import { Breadcrumb, Typography } from 'antd'
import { useEffect, type ReactNode } from 'react'
import { A } from '../shell/go'

type Crumb = { text: string; href?: string }

/** The head of a page: where one is, what it is, what can be done. It also names the browser tab. */
export function PageHeader({ title, tag, hint, crumbs, actions }: { title: string; tag?: ReactNode; hint?: ReactNode; crumbs?: Crumb[]; actions?: ReactNode }) {
  useEffect(() => {
    document.title = `${title} · Capillary 微脉`
  }, [title])
  return (
    <header>
      {crumbs ? <Breadcrumb style={{ marginBottom: 4 }} items={crumbs.map((crumb) => ({ key: crumb.text, title: crumb.href ? <A href={crumb.href}>{crumb.text}</A> : crumb.text }))} /> : null}
      <div className="row between">
        <div className="row" style={{ minWidth: 0 }}>
          <Typography.Title level={4} style={{ margin: 0, overflowWrap: 'anywhere' }}>{title}</Typography.Title>
          {tag}
        </div>
        {actions ? <div className="row">{actions}</div> : null}
      </div>
      {hint ? <div className="muted" style={{ marginTop: 4, maxWidth: 900 }}>{hint}</div> : null}
    </header>
  )
}
