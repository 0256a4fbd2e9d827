'use strict'
// Filters what the server wrote; without this script the page is whole, only longer.
const search = document.getElementById('search')
const none = document.getElementById('none')
const rows = Array.from(document.querySelectorAll('.op, .reason'), (node) => ({ node, text: node.textContent.toLowerCase() }))
function filter() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean)
  let shown = 0
  for (const row of rows) {
    const hit = words.every((word) => row.text.includes(word))
    row.node.hidden = !hit
    if (hit) shown++
  }
  for (const group of document.querySelectorAll('.group, #reasons')) {
    group.hidden = words.length > 0 && !group.querySelector('.op:not([hidden]), .reason:not([hidden])')
  }
  document.getElementById('conventions').hidden = words.length > 0
  none.hidden = shown > 0
}
function reveal() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)))
  if (target && target.tagName === 'DETAILS') target.open = true
}
search.addEventListener('input', filter)
addEventListener('hashchange', reveal)
addEventListener('keydown', (event) => {
  if (event.key === '/' && document.activeElement !== search) { event.preventDefault(); search.focus() }
})
for (const op of document.querySelectorAll('.op')) {
  op.addEventListener('toggle', () => { if (op.open) history.replaceState(null, '', '#' + op.id) })
}
reveal()
filter()
