import { Card, Empty, Tag } from 'antd'
import { useGet } from '../../api/hooks'
import { useLang, useWords } from '../../i18n/words'
import { useGo } from '../../shell/go'
import { Async } from '../../widget/Async'
import { moneyShort } from '../../widget/format'
import { PageHeader } from '../../widget/PageHeader'
import { StateTag, useText } from '../../widget/values'
import type { ProductSummary } from './productTypes'
import { creditWords } from './words'

/** A product's state in words. */
export function ProductStatus({ status }: { status: string }) {
  const say = useWords(creditWords)
  const known = (['draft', 'pilot', 'live', 'retired'] as const).find((one) => one === status)
  return <StateTag text={known ? say(known) : status} tone={status === 'live' ? 'good' : status === 'pilot' ? 'busy' : 'plain'} />
}

export function useMethod(): (code: string) => string {
  const say = useWords(creditWords)
  return (code) => (code in creditWords ? say(code as keyof typeof creditWords) : code)
}

export default function Products() {
  const say = useWords(creditWords)
  const lang = useLang()
  const text = useText()
  const method = useMethod()
  const go = useGo()
  const products = useGet<{ items: ProductSummary[] | null }>('/products')
  return (
    <div className="page">
      <PageHeader title={say('products')} hint={say('productsHint')} />
      <Async of={products}>
        {(data) => (data.items ?? []).length === 0 ? <Empty description={say('noProducts')} /> : (
          <div className="grid">
            {(data.items ?? []).map((product) => (
              <Card key={product.id} hoverable size="small" tabIndex={0} role="link" title={text(product.name)} extra={<ProductStatus status={product.status} />} onClick={() => go(`/products/${product.id}`)} onKeyDown={(event) => event.key === 'Enter' && go(`/products/${product.id}`)}>
                <p style={{ marginTop: 0 }}>{text(product.summary)}</p>
                <div className="row">
                  <Tag>{moneyShort(product.amount_min_minor, lang, product.currency)} – {moneyShort(product.amount_max_minor, lang, product.currency)}</Tag>
                  <Tag>≤ {say('months', { n: product.tenor_months_max })}</Tag>
                  {(product.methods ?? []).map((code) => <Tag key={code}>{method(code)}</Tag>)}
                </div>
                <div className="muted mono" style={{ marginTop: 8 }}>{product.id} · {say('version')} {product.version}</div>
              </Card>
            ))}
          </div>
        )}
      </Async>
    </div>
  )
}
