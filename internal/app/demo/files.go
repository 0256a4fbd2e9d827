package demo

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"fmt"
	"io"

	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/evidence/source"
)

// File is a generated file in the layout that banks receive.
type File struct {
	Name string
	Kind string // "firms", "purchase", "sale"
	Data []byte
}

// Files writes firms and invoices as the files a bank would be given, with Chinese headers; the invoice
// files are gzipped. The label column of firms without history is empty.
func Files(firms []Firm) ([]File, error) {
	var list bytes.Buffer
	w := csv.NewWriter(&list)
	rows := [][]string{{"企业代号", "企业名称", "统一社会信用代码", "行业代码", "地区代码", "从业人数", "是否违约"}}
	for _, f := range firms {
		label := map[string]string{"good": "否", "bad": "是"}[f.Label]
		rows = append(rows, []string{f.Code, f.Name, f.USCC, f.Industry, f.Region, fmt.Sprint(f.Employees), label})
	}
	if err := w.WriteAll(rows); err != nil {
		return nil, err
	}
	out := []File{{Name: "演示_企业信息.csv", Kind: "firms", Data: list.Bytes()}}
	for _, dir := range []source.Direction{source.Purchase, source.Sale} {
		name := map[source.Direction]string{source.Purchase: "演示_进项发票信息.csv.gz", source.Sale: "演示_销项发票信息.csv.gz"}[dir]
		data, err := invoiceFile(firms, dir)
		if err != nil {
			return nil, err
		}
		out = append(out, File{Name: name, Kind: dir.String(), Data: data})
	}
	return out, nil
}

func invoiceFile(firms []Firm, dir source.Direction) ([]byte, error) {
	var buf bytes.Buffer
	gz, err := gzip.NewWriterLevel(&buf, gzip.BestSpeed)
	if err != nil {
		return nil, err
	}
	if err := WriteInvoices(gz, firms, dir); err != nil {
		return nil, err
	}
	if err := gz.Close(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// WriteInvoices writes one direction of the firms' invoices as CSV.
func WriteInvoices(to io.Writer, firms []Firm, dir source.Direction) error {
	w := csv.NewWriter(to)
	party := map[source.Direction]string{source.Purchase: "销方单位代号", source.Sale: "购方单位代号"}[dir]
	if err := w.Write([]string{"企业代号", "发票号码", "开票日期", party, "金额", "税额", "价税合计", "发票状态"}); err != nil {
		return err
	}
	for _, f := range firms {
		for _, v := range f.Invoices {
			if v.Direction != dir {
				continue
			}
			status := "有效发票"
			if v.Void {
				status = "作废发票"
			}
			date := fmt.Sprintf("%d/%d/%d", v.Date.Year(), int(v.Date.Month()), v.Date.Day())
			if err := w.Write([]string{f.Code, v.Number, date, v.Counterparty, money.FormatMinor(v.NetMinor), money.FormatMinor(v.TaxMinor), money.FormatMinor(v.GrossMinor), status}); err != nil {
				return err
			}
		}
	}
	w.Flush()
	return w.Error()
}
