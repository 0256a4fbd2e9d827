package contract

import "strconv"

// clausesZh is the text that binds.
func (t Terms) clausesZh() []section {
	grace := strconv.Itoa(t.Conditions.GraceDays)
	return []section{
		{"第一条 提款", []string{
			"1.1 乙方可在额度有效期内向甲方申请提款，每笔提款的金额、期限与还款方式在提款申请中确定，且不得超出本合同约定的范围。",
			"1.2 甲方审核后将款项支付至乙方指定的账户。同一业务编号的提款申请只支付一次。",
			"1.3 额度被冻结、到期或不足的，甲方可以不予放款，并应说明原因。",
		}},
		{"第二条 用途", []string{
			"2.1 " + t.useZh() + "。",
			"2.2 未按约定用途使用借款的，甲方可以停止放款、提前收回借款。",
		}},
		{"第三条 利率与计息", []string{
			"3.1 借款利率为年利率 " + t.AnnualRate.Percent() + "，按实际占用天数计息，计息基础为 " + t.Conditions.Basis.String() + "，放款日计息，还款日不计息（算头不算尾）。",
			"3.2 折合年化利率 " + t.AnnualisedRate.Percent() + "。除利息外，甲方不收取其他费用。",
		}},
		{"第四条 还款", []string{
			"4.1 还款方式为" + t.Method.Name().Zh + "。每期应还金额以各笔借款的还款计划为准，最后一期结清全部本息。",
			"4.2 乙方授权甲方在到期日从乙方收款账户扣收到期款项。",
			"4.3 还款依次清偿费用、罚息、利息、本金，先到期的先清偿。",
			"4.4 乙方可以提前还款，提前归还的部分按实际占用天数计息，不收取违约金。",
		}},
		{"第五条 逾期", []string{
			"5.1 到期未还的，给予 " + grace + " 天宽限期，宽限期内按合同利率计息；宽限期满仍未归还的，逾期的本金与利息按年利率 " + t.PenaltyRate.Percent() + " 计收罚息，直至清偿。",
			"5.2 罚息利率依据中国人民银行关于人民币贷款利率有关问题的规定（银发〔2003〕251号）约定。",
		}},
		{"第六条 数据与授权", []string{
			"6.1 甲方仅在乙方书面授权的种类、目的与期限内使用乙方的经营数据，乙方可以随时撤回授权，撤回不影响此前已作出的决定。",
			"6.2 自动化决定所用的依据与理由，甲方应当应乙方要求予以说明，乙方可以要求人工复核。",
		}},
		{"第七条 其他", []string{
			"7.1 本合同以数据电文形式订立，文件的 SHA-256 由甲方留存，用于证明文件未被更改。",
			"7.2 本合同适用中华人民共和国法律。争议由双方协商解决；协商不成的，向甲方住所地人民法院起诉。",
			"7.3 本合同以中文文本为准，英文文本仅供参考。",
		}},
	}
}

// clausesEn is the reading aid.
func (t Terms) clausesEn() []section {
	grace := strconv.Itoa(t.Conditions.GraceDays)
	return []section{
		{"1. Drawing", []string{
			"1.1 While the limit is available the borrower may ask to draw. Amount, tenor and repayment method of each drawdown are set in its request, within this contract.",
			"1.2 The lender pays to the account the borrower names. A request under one reference is paid once.",
			"1.3 The lender may refuse a drawdown when the limit is frozen, expired or used up, and says why.",
		}},
		{"2. Purpose", []string{
			"2.1 " + t.useEn() + ".",
			"2.2 If it is used otherwise the lender may stop drawdowns and call the loans.",
		}},
		{"3. Interest", []string{
			"3.1 The yearly rate is " + t.AnnualRate.Percent() + ", on actual days, " + t.Conditions.Basis.String() + "; the day of payment out counts, the day of repayment does not.",
			"3.2 The annualised rate is " + t.AnnualisedRate.Percent() + ". There is no charge beside interest.",
		}},
		{"4. Repayment", []string{
			"4.1 Loans are repaid by " + t.Method.Name().En + ". The schedule of each loan says what is due when; its last instalment clears it.",
			"4.2 The borrower lets the lender collect what is due from the account that received the loan.",
			"4.3 A payment is used for fees, penalty interest, interest and principal, in this order, the oldest first.",
			"4.4 The borrower may repay early. What is repaid early bears interest for the days it was used and no charge.",
		}},
		{"5. Overdue amounts", []string{
			"5.1 After the due date there are " + grace + " days of grace at the contract rate. Principal and interest unpaid after it bear " + t.PenaltyRate.Percent() + " a year until paid.",
			"5.2 This rate is set under the rules of the People's Bank of China on renminbi lending rates (Yinfa 2003 no. 251).",
		}},
		{"6. Data", []string{
			"6.1 The lender uses the borrower's operating data only for the kinds, purpose and period it has agreed to in writing. Consent may be withdrawn at any time, without effect on decisions made before.",
			"6.2 On request the lender explains what an automated decision rested on, and a person reviews it.",
		}},
		{"7. Other", []string{
			"7.1 This contract is concluded as a data message. The lender keeps the SHA-256 of the file to prove that it is unchanged.",
			"7.2 The law of the People's Republic of China applies; the court at the lender's seat decides disputes that are not settled amicably.",
			"7.3 The Chinese text prevails; the English text is for reference.",
		}},
	}
}
