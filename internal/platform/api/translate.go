package api

import (
	"regexp"
	"strings"
)

// plainer are sentences that say in a programmer's words what a person has to write.
var plainer = []struct {
	en    *regexp.Regexp
	plain string
}{
	{regexp.MustCompile(`^(expected string to be RFC 3339 date|calendar: not a date such as .*)$`), "must be a date such as 2026-01-31"},
	{regexp.MustCompile(`^rate: not a decimal rate such as .*$`), "must be a decimal such as 0.0435"},
}

// phrases are the sentences of the validator in Chinese; $1, $2 are what the pattern caught.
var phrases = []struct {
	en *regexp.Regexp
	zh string
}{
	{regexp.MustCompile(`^must be a date such as 2026-01-31$`), "应为实际存在的日期，写作 2026-01-31"},
	{regexp.MustCompile(`^must be a decimal such as 0.0435$`), "应为小数，如 0.0435"},
	{regexp.MustCompile(`^the number does not fit$`), "数值超出范围，或不是整数写法"},
	{regexp.MustCompile(`^unexpected property$`), "未知的字段"},
	{regexp.MustCompile(`^expected string to be RFC 3339 date-time$`), "应为 RFC 3339 时间，如 2026-01-05T08:00:00Z"},
	{regexp.MustCompile(`^expected string to be RFC 5322 email.*$`), "应为电子邮件地址"},
	{regexp.MustCompile(`^expected string to be RFC 3986 uri.*$`), "应为网址"},
	{regexp.MustCompile(`^expected boolean$`), "应为 true 或 false"},
	{regexp.MustCompile(`^expected number$`), "应为数字"},
	{regexp.MustCompile(`^expected integer$`), "应为整数"},
	{regexp.MustCompile(`^expected string$`), "应为文本"},
	{regexp.MustCompile(`^expected array$`), "应为数组"},
	{regexp.MustCompile(`^expected object$`), "应为对象"},
	{regexp.MustCompile(`^expected array items to be unique$`), "数组元素不得重复"},
	{regexp.MustCompile(`^expected value to be one of "(.*)"$`), "应为下列之一：$1"},
	{regexp.MustCompile(`^expected number >= (.*)$`), "不得小于 $1"},
	{regexp.MustCompile(`^expected number > (.*)$`), "应大于 $1"},
	{regexp.MustCompile(`^expected number <= (.*)$`), "不得大于 $1"},
	{regexp.MustCompile(`^expected number < (.*)$`), "应小于 $1"},
	{regexp.MustCompile(`^expected number to be a multiple of (.*)$`), "应为 $1 的整数倍"},
	{regexp.MustCompile(`^expected length >= (.*)$`), "至少 $1 个字符"},
	{regexp.MustCompile(`^expected length <= (.*)$`), "至多 $1 个字符"},
	{regexp.MustCompile(`^expected string to match pattern (.*)$`), "应符合格式 $1"},
	{regexp.MustCompile(`^expected string to be (.*)$`), "应为 $1"},
	{regexp.MustCompile(`^expected array length >= (.*)$`), "至少 $1 项"},
	{regexp.MustCompile(`^expected array length <= (.*)$`), "至多 $1 项"},
	{regexp.MustCompile(`^expected object with at least (.*) properties$`), "至少 $1 个字段"},
	{regexp.MustCompile(`^expected object with at most (.*) properties$`), "至多 $1 个字段"},
	{regexp.MustCompile(`^required \w+ parameter is missing$`), "缺少该参数"},
	{regexp.MustCompile(`^request body is required$`), "缺少请求体"},
	{regexp.MustCompile(`^the key "(.*)" is given twice$`), "键 “$1” 出现了两次"},
	{regexp.MustCompile(`^the text is not valid UTF-8$`), "文本不是有效的 UTF-8"},
	{regexp.MustCompile(`^a text holds the NUL character, which no text has$`), "文本中含有 NUL 字符"},
	{regexp.MustCompile(`^something follows the JSON value$`), "JSON 值之后还有多余内容"},
	{regexp.MustCompile(`^nesting is deeper than (.*)$`), "嵌套超过 $1 层"},
	{regexp.MustCompile(`^(unexpected EOF|unexpected end of JSON input)$`), "JSON 不完整"},
	{regexp.MustCompile(`^invalid character (.*)$`), "JSON 中有非法字符：$1"},
	{regexp.MustCompile(`^invalid (integer|value|number|float).*$`), "应为数字"},
	{regexp.MustCompile(`^invalid boolean.*$`), "应为 true 或 false"},
	{regexp.MustCompile(`^invalid date/time.*$`), "应为 RFC 3339 时间"},
}

// translate gives a validator's sentence in both languages; one it does not know stays as it is.
func translate(en string) (string, string) {
	for _, p := range plainer {
		if p.en.MatchString(en) {
			en = p.plain
			break
		}
	}
	for _, p := range phrases {
		if p.en.MatchString(en) {
			return p.en.ReplaceAllString(en, p.zh), en
		}
	}
	return "不符合要求（" + en + "）", en
}

var required = regexp.MustCompile(`^expected required property (\S+) to be present$`)

func requiredProperty(message string) (string, bool) {
	m := required.FindStringSubmatch(message)
	if m == nil {
		return "", false
	}
	return strings.Trim(m[1], `"`), true
}
