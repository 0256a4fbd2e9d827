import { Descriptions } from 'antd'
import { useWords } from '../../i18n/words'
import { money, percent } from '../../widget/format'
import type { OfferExtras } from './applicationTypes'
import { extrasWords } from './extrasWords'

/** What only some kinds of offer and contract have: deposit, residual, discount, share of sales, stages. */
export function Extras({ extras, currency }: { extras: OfferExtras | undefined; currency: string }) {
  const say = useWords(extrasWords)
  if (!extras) return null
  const amount = (minor: number) => money(minor, currency)
  const items = [
    extras.proceeds_minor ? { key: 'proceeds', label: say('proceeds'), children: amount(extras.proceeds_minor) } : null,
    extras.withheld_minor ? { key: 'withheld', label: say('withheld'), children: amount(extras.withheld_minor) } : null,
    extras.deposit_minor ? { key: 'deposit', label: say('deposit'), children: `${amount(extras.deposit_minor)} · ${extras.deposit_use === 'last_rents' ? say('last_rents') : say('return')}` } : null,
    extras.kind === 'lease' ? { key: 'residual', label: say('residual'), children: amount(extras.residual_minor ?? 0) } : null,
    extras.kind === 'lease' ? { key: 'rents', label: say('rents'), children: extras.in_advance ? say('inAdvance') : say('inArrears') } : null,
    extras.sales_share ? { key: 'share', label: say('share'), children: percent(extras.sales_share) } : null,
    extras.sales_minimum_minor ? { key: 'minimum', label: say('minimum'), children: amount(extras.sales_minimum_minor) } : null,
    extras.sales_cap_minor ? { key: 'cap', label: say('cap'), children: amount(extras.sales_cap_minor) } : null,
    extras.sales_expected_minor ? { key: 'expected', label: say('expected'), children: amount(extras.sales_expected_minor) } : null,
    extras.tranches_max ? { key: 'stages', label: say('stages'), children: extras.tranches_max } : null,
  ].filter((item) => item !== null)
  return items.length ? <Descriptions size="small" column={{ xs: 1, sm: 2, lg: 3 }} items={items} style={{ marginBottom: 12 }} /> : null
}
