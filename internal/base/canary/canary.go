// Package canary seeds bugs on purpose, to see whether the tests find them. A program built without the tag
// "canary" has none of them: On is a constant there and the compiler drops what stands behind it. With the tag,
// one bug is chosen at link time (-X .../base/canary.name=double_pay); scripts/canaries.sh builds each in turn and
// expects the suite to fail. Where a bug is seeded, the line says canary.On("its name").
package canary
