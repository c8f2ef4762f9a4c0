// The Lua of our scripts as JavaScript, so that the simulator runs the very text that a server does. Lua 5.1 without
// metatables, coroutines, goto, varargs and methods: what else there is throws. test/sim/redis-model.test.ts holds it to
// what a real server answers. A table is an array from 1 on, and its other keys are properties of it; nil is undefined.

export type Table = unknown[] & Record<string, unknown>
type Fn = (...args: unknown[]) => unknown

/** Several values, which a function returned. */
class Several {
  readonly values: readonly unknown[]

  constructor(values: readonly unknown[]) {
    this.values = values
  }
}
export const several = (...values: unknown[]): unknown => new Several(values)

export const tableOf = (values: readonly unknown[] = []): Table => [undefined, ...values] as Table
export const lengthOf = (of: unknown): number => {
  if (typeof of === 'string') return of.length
  const table = of as Table
  if (!Array.isArray(table)) return 0
  let n = table.length - 1
  while (n > 0 && table[n] === undefined) n--
  return Math.max(0, n)
}
export const isTrue = (value: unknown): boolean => value !== undefined && value !== false
const first = (value: unknown): unknown => (value instanceof Several ? value.values[0] : value)
const all = (value: unknown): readonly unknown[] => (value instanceof Several ? value.values : [value])
const made = (values: unknown[], words: Record<string, unknown>): Table => Object.assign(tableOf(values), words)
/** The names in a table, without the places of its list. */
const namesIn = (of: unknown): string[] => Object.keys(of as Table).filter(key => !/^\d+$/.test(key))

/** @returns a function from the globals to what the script returns */
export function compileLua(text: string): (globals: Record<string, unknown>) => unknown {
  const code = new Translation(text).chunk()
  const run = new Function('G', 'T', 'first', 'all', 'several', 'len', 'made', 'names', code) as Fn
  return globals => first(run(globals, isTrue, first, all, several, lengthOf, made, namesIn))
}

const TOKEN =
  /\s+|--\[\[[\s\S]*?\]\]|--[^\n]*|([A-Za-z_]\w*)|(0x[\da-fA-F]+|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")|(\.\.\.|\.\.|==|~=|<=|>=|[-+*/%^#<>=(){}[\];:,.])/gy
const PRECEDENCE: Readonly<Record<string, number>> = {
  or: 1,
  and: 2,
  '<': 3,
  '>': 3,
  '<=': 3,
  '>=': 3,
  '~=': 3,
  '==': 3,
  '..': 4,
  '+': 5,
  '-': 5,
  '*': 6,
  '/': 6,
  '%': 6,
}
const UNARY = 7
const COMPARES: Readonly<Record<string, string>> = { '==': '===', '~=': '!==' }

interface Expression {
  readonly js: string
  /** How many values: a call may have several. */
  readonly isCall?: boolean
  readonly isBoolean?: boolean
}

class Translation {
  readonly #tokens: string[] = []
  #at = 0
  #names = 0
  #scopes: Map<string, string>[] = [new Map()]

  constructor(text: string) {
    let end = 0
    for (const token of text.matchAll(TOKEN)) {
      end = token.index + token[0].length
      if (token[1] ?? token[2] ?? token[3] ?? token[4]) this.#tokens.push(token[0])
    }
    if (end !== text.length) throw new SyntaxError(`Lua: not understood: ${text.slice(end, end + 30)}`)
  }

  chunk(): string {
    const body = this.#block()
    if (this.#at < this.#tokens.length) throw this.#unexpected()
    return `'use strict'; let _; ${body}`
  }

  #unexpected(): SyntaxError {
    return new SyntaxError(`Lua: unexpected: ${this.#tokens.slice(this.#at, this.#at + 8).join(' ')}`)
  }

  #is(...tokens: string[]): boolean {
    return tokens.includes(this.#tokens[this.#at] as string)
  }

  #take(token?: string): string {
    if (token !== undefined && !this.#is(token)) throw this.#unexpected()
    const taken = this.#tokens[this.#at++]
    if (taken === undefined) throw this.#unexpected()
    return taken
  }

  #taken(token: string): boolean {
    if (!this.#is(token)) return false
    this.#at++
    return true
  }

  #declare(name: string): string {
    const js = `${name}$${this.#names++}`
    this.#scopes.at(-1)!.set(name, js)
    return js
  }

  #name(name: string): string {
    for (let i = this.#scopes.length - 1; i >= 0; i--) {
      const js = this.#scopes[i]!.get(name)
      if (js !== undefined) return js
    }
    return `G.${name}`
  }

  #block(declare: readonly string[] = []): string {
    this.#scopes.push(new Map(declare.map(name => [name, `${name}$p`])))
    let js = ''
    while (this.#at < this.#tokens.length && !this.#is('end', 'else', 'elseif', 'until')) js += this.#statement()
    this.#scopes.pop()
    return js
  }

  #statement(): string {
    const start = this.#at
    switch (this.#take()) {
      case ';':
        return ''
      case 'do': {
        const body = this.#block()
        this.#take('end')
        return `{${body}}\n`
      }
      case 'if': {
        let js = `if (${this.#condition()}) {`
        this.#take('then')
        js += `${this.#block()}}`
        while (this.#taken('elseif')) {
          js += ` else if (${this.#condition()}) {`
          this.#take('then')
          js += `${this.#block()}}`
        }
        if (this.#taken('else')) js += ` else {${this.#block()}}`
        this.#take('end')
        return `${js}\n`
      }
      case 'while': {
        const condition = this.#condition()
        this.#take('do')
        const body = this.#block()
        this.#take('end')
        return `while (${condition}) {${body}}\n`
      }
      case 'repeat': {
        const body = this.#block()
        this.#take('until')
        return `do {${body}} while (!(${this.#condition()}))\n`
      }
      case 'for':
        return this.#for()
      case 'break':
        return 'break\n'
      case 'return': {
        if (this.#at >= this.#tokens.length || this.#is('end', 'else', 'elseif', 'until', ';')) return 'return\n'
        const list = this.#list()
        if (list.length === 1) return `return ${list[0]!.js}\n`
        return `return several(${this.#values(list)})\n`
      }
      case 'function': {
        const target = this.#name(this.#take())
        return `${target} = ${this.#function()}\n`
      }
      case 'local': {
        if (this.#taken('function')) {
          const name = this.#declare(this.#take())
          return `let ${name} = ${this.#function()}\n`
        }
        const names = [this.#take()]
        while (this.#taken(',')) names.push(this.#take())
        const list = this.#taken('=') ? this.#list() : []
        if (list.length === 0) return `let ${names.map(name => this.#declare(name)).join(', ')}\n`
        return this.#assign(
          list,
          names.map(name => this.#declare(name)),
          'let ',
        )
      }
      default: {
        this.#at = start
        const target = this.#suffixed()
        if (target.isCall) return `${target.js}\n`
        const targets = [target.js]
        while (this.#taken(',')) targets.push(this.#suffixed().js)
        this.#take('=')
        return this.#assign(this.#list(), targets, '')
      }
    }
  }

  /** Statements begin with no bracket but the one of several targets, which has a semicolon before it. */
  #assign(list: readonly Expression[], targets: readonly string[], how: string): string {
    if (targets.length === 1 && list.length === 1) return `${how}${targets[0]} = ${one(list[0]!)}\n`
    return `;${how}[${targets.join(', ')}] = [${this.#values(list)}]\n`
  }

  #for(): string {
    const name = this.#take()
    if (this.#taken('=')) {
      const from = one(this.#expression())
      this.#take(',')
      const to = one(this.#expression())
      const by = this.#taken(',') ? one(this.#expression()) : '1'
      this.#take('do')
      const [i, end, step] = [`${name}$p`, `end$${this.#names++}`, `by$${this.#names++}`]
      const body = this.#block([name])
      this.#take('end')
      return `for (let ${i} = ${from}, ${end} = ${to}, ${step} = ${by}; ${step} > 0 ? ${i} <= ${end} : ${i} >= ${end}; ${i} += ${step}) {${body}}\n`
    }
    const names = [name]
    while (this.#taken(',')) names.push(this.#take())
    this.#take('in')
    const how = this.#take()
    if (how !== 'ipairs' && how !== 'pairs') throw new SyntaxError(`Lua: for … in ${how}: expected pairs or ipairs`)
    this.#take('(')
    const of = one(this.#expression())
    this.#take(')')
    this.#take('do')
    const body = this.#block(names)
    this.#take('end')
    const [key, value] = [names[0]!, names[1] ?? '_'].map(name => `${name}$p`)
    const table = `of$${this.#names++}`
    const list = `for (let ${key} = 1, ${table} = ${of}, ${value}; (${value} = ${table}[${key}]) !== undefined; ${key}++) {${body}}\n`
    if (how === 'ipairs') return list
    return `${list}for (const ${key} of names(${of})) { const ${value} = ${of}[${key}]; ${body}}\n`
  }

  #function(): string {
    this.#take('(')
    const names: string[] = []
    while (!this.#taken(')')) {
      names.push(this.#take())
      this.#taken(',')
    }
    const body = this.#block(names)
    this.#take('end')
    return `function (${names.map(name => `${name}$p`).join(', ')}) { let _; ${body}}`
  }

  #condition(): string {
    const expression = this.#expression()
    return expression.isBoolean ? expression.js : `T(${one(expression)})`
  }

  #list(): Expression[] {
    const list = [this.#expression()]
    while (this.#taken(',')) list.push(this.#expression())
    return list
  }

  #values(list: readonly Expression[]): string {
    return list
      .map((expression, i) =>
        expression.isCall && i === list.length - 1 ? `...all(${expression.js})` : one(expression),
      )
      .join(', ')
  }

  #expression(least = 0): Expression {
    let left = this.#operand()
    for (;;) {
      const operator = this.#tokens[this.#at] as string
      const precedence = PRECEDENCE[operator]
      if (precedence === undefined || precedence <= least) return left
      this.#at++
      // `..` binds to the right.
      const right = this.#expression(operator === '..' ? precedence - 1 : precedence)
      left = this.#binary(left, operator, right)
    }
  }

  #binary(left: Expression, operator: string, right: Expression): Expression {
    const [a, b] = [one(left), one(right)]
    const isBoolean = left.isBoolean === true && right.isBoolean === true
    switch (operator) {
      case 'and':
        return isBoolean ? { js: `(${a} && ${b})`, isBoolean } : { js: `(T(_ = ${a}) ? ${b} : _)` }
      case 'or':
        return isBoolean ? { js: `(${a} || ${b})`, isBoolean } : { js: `(T(_ = ${a}) ? _ : ${b})` }
      case '..':
        return { js: `(\`\${${a}}\${${b}}\`)` }
      case '%':
        return { js: `G.mod(${a}, ${b})` }
      default:
        if (precedenceIsComparison(operator))
          return { js: `(${a} ${COMPARES[operator] ?? operator} ${b})`, isBoolean: true }
        return { js: `(${a} ${operator} ${b})` }
    }
  }

  #operand(): Expression {
    if (this.#taken('not')) {
      const of = this.#expression(UNARY)
      return { js: of.isBoolean ? `!${of.js}` : `!T(${one(of)})`, isBoolean: true }
    }
    if (this.#taken('-')) return { js: `(-${one(this.#expression(UNARY))})` }
    if (this.#taken('#')) return { js: `len(${one(this.#expression(UNARY))})` }
    return this.#suffixed()
  }

  #suffixed(): Expression {
    let left = this.#primary()
    for (;;) {
      if (this.#taken('.')) left = { js: `${one(left)}.${this.#take()}` }
      else if (this.#taken('[')) {
        left = { js: `${one(left)}[${one(this.#expression())}]` }
        this.#take(']')
      } else if (this.#taken('(')) {
        const list = this.#is(')') ? [] : this.#list()
        this.#take(')')
        left = { js: `${one(left)}(${this.#values(list)})`, isCall: true }
      } else return left
    }
  }

  #primary(): Expression {
    const token = this.#take()
    switch (token) {
      case 'nil':
        return { js: 'undefined' }
      case 'true':
      case 'false':
        return { js: token, isBoolean: true }
      case 'function':
        return { js: `(${this.#function()})` }
      case '(': {
        const inner = this.#expression()
        this.#take(')')
        return { js: `(${one(inner)})`, isBoolean: inner.isBoolean === true }
      }
      case '{':
        return this.#table()
    }
    if (/^['"]/.test(token)) return { js: JSON.stringify(unquoted(token)) }
    if (/^\d/.test(token)) return { js: String(Number(token)) }
    if (/^[A-Za-z_]/.test(token)) return { js: this.#name(token) }
    this.#at--
    throw this.#unexpected()
  }

  #table(): Expression {
    const values: Expression[] = []
    const words: string[] = []
    while (!this.#taken('}')) {
      if (this.#tokens[this.#at + 1] === '=') {
        const word = this.#take()
        this.#take('=')
        words.push(`${word}: ${one(this.#expression())}`)
      } else values.push(this.#expression())
      if (!this.#is('}') && !this.#taken(';')) this.#take(',')
    }
    if (words.length > 0) return { js: `made([${this.#values(values)}], {${words.join(', ')}})` }
    return { js: values.length === 0 ? '[undefined]' : `[undefined, ${this.#values(values)}]` }
  }
}

const one = ({ js, isCall }: Expression): string => (isCall ? `first(${js})` : js)
const precedenceIsComparison = (operator: string): boolean => PRECEDENCE[operator] === 3

function unquoted(token: string): string {
  return token.slice(1, -1).replace(/\\(.)/g, (_, c: string) => ({ n: '\n', t: '\t', r: '\r', 0: '\0' })[c] ?? c)
}
