package party

import "github.com/capillary-finance/capillary/internal/platform/fault"

// titles names the events a person meets on a timeline. A type that is missing here is shown by its
// code: a timeline must not lose an event because nobody has named it yet.
var titles = map[string]fault.Text{
	"firm.created":            {Zh: "企业建档", En: "Firm recorded"},
	"firm.updated":            {Zh: "企业信息变更", En: "Firm changed"},
	"firm.related":            {Zh: "登记关联关系", En: "Relation recorded"},
	"firm.unrelated":          {Zh: "删除关联关系", En: "Relation removed"},
	"firm.scored":             {Zh: "评分更新", En: "Scored"},
	"consent.granted":         {Zh: "取得数据授权", En: "Consent granted"},
	"consent.withdrawn":       {Zh: "撤回数据授权", En: "Consent withdrawn"},
	"evidence.batch_imported": {Zh: "导入经营数据", En: "Evidence imported"},
	"profile.refreshed":       {Zh: "画像更新", En: "Profile refreshed"},
	"decision.made":           {Zh: "作出授信决策", En: "Decision made"},
	"application.draft":       {Zh: "新建申请", En: "Application drafted"},
	"application.submitted":   {Zh: "提交申请", En: "Application submitted"},
	"application.approved":    {Zh: "申请通过", En: "Application approved"},
	"application.referred":    {Zh: "转人工审批", En: "Application referred to a person"},
	"application.declined":    {Zh: "申请拒绝", En: "Application declined"},
	"application.offered":     {Zh: "发出要约", En: "Offer made"},
	"application.accepted":    {Zh: "接受要约", En: "Offer accepted"},
	"application.contracted":  {Zh: "签订合同", En: "Contract signed"},
	"application.drawn":       {Zh: "申请已提款", En: "Application drawn"},
	"application.withdrawn":   {Zh: "撤回申请", En: "Application withdrawn"},
	"application.expired":     {Zh: "申请过期", En: "Application expired"},
	"approval.open":           {Zh: "进入审批", En: "Waiting for approval"},
	"approval.opened":         {Zh: "进入审批", En: "Waiting for approval"},
	"approval.approve":        {Zh: "审批同意", En: "Approved by a person"},
	"approval.approved":       {Zh: "审批同意", En: "Approved by a person"},
	"approval.decline":        {Zh: "审批拒绝", En: "Declined by a person"},
	"approval.declined":       {Zh: "审批拒绝", En: "Declined by a person"},
	"approval.return":         {Zh: "审批退回", En: "Returned for more"},
	"approval.returned":       {Zh: "审批退回", En: "Returned for more"},
	"facility.open":           {Zh: "开立额度", En: "Facility opened"},
	"facility.opened":         {Zh: "开立额度", En: "Facility opened"},
	"facility.set_limit":      {Zh: "调整额度", En: "Limit changed"},
	"facility.limit_changed":  {Zh: "调整额度", En: "Limit changed"},
	"facility.freeze":         {Zh: "冻结额度", En: "Facility frozen"},
	"facility.frozen":         {Zh: "冻结额度", En: "Facility frozen"},
	"facility.unfreeze":       {Zh: "解冻额度", En: "Facility unfrozen"},
	"facility.unfrozen":       {Zh: "解冻额度", En: "Facility unfrozen"},
	"facility.close":          {Zh: "关闭额度", En: "Facility closed"},
	"facility.closed":         {Zh: "关闭额度", En: "Facility closed"},
	"contract.created":        {Zh: "生成合同", En: "Contract made"},
	"contract.signed":         {Zh: "签署合同", En: "Contract signed"},
	"loan.drawn":              {Zh: "申请提款", En: "Drawdown asked for"},
	"loan.disbursed":          {Zh: "放款到账", En: "Loan disbursed"},
	"loan.repaid":             {Zh: "还款", En: "Repayment"},
	"loan.fee_charged":        {Zh: "收取费用", En: "Fee charged"},
	"loan.cancelled":          {Zh: "提款取消", En: "Drawdown cancelled"},
	"loan.sales_reported":     {Zh: "报送销售额", En: "Sales reported"},
	"loan.deposit_paid":       {Zh: "收到保证金", En: "Lease deposit paid in"},
	"loan.deposit_applied":    {Zh: "保证金抵扣", En: "Lease deposit applied"},
	"loan.deposit_returned":   {Zh: "退还保证金", En: "Lease deposit returned"},
	"loan.overdue":            {Zh: "贷款逾期", En: "Loan overdue"},
	"loan.settled":            {Zh: "贷款结清", En: "Loan settled"},
	"signal.raised":           {Zh: "触发预警", En: "Signal raised"},
	"signal.acknowledged":     {Zh: "认领预警", En: "Signal acknowledged"},
	"signal.resolved":         {Zh: "预警处置完毕", En: "Signal resolved"},
	"approval.withdrawn":      {Zh: "审批随申请撤回", En: "Approval withdrawn with its application"},
	"signal.closed":           {Zh: "预警处置完毕", En: "Signal closed"},
}

func titleOf(eventType string) fault.Text {
	if t, ok := titles[eventType]; ok {
		return t
	}
	return fault.Text{Zh: eventType, En: eventType}
}
