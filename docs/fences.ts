/**
 * The code in the pages and in the doc comments, by its marks:
 *
 * | the fence begins with | the code |
 * | --- | --- |
 * | `ts` | type-checks, as a module of its own |
 * | `ts file=NAME.ts` | the same, and the page's other code can import it as `./NAME.ts` |
 * | `ts file=NAME.ts run` | runs as well, by Node; on the README by tsx too |
 * | `text output` | is what the code before it prints, to the letter |
 * | `sh` | is for a shell: its npm scripts exist |
 * | `text`, `mermaid` | is no code |
 *
 * There is no other kind, so that no code escapes.
 */

/** A marked stretch of a page. */
export interface Fence {
  /** The page's path, and the line on which the fence begins. */
  readonly page: string
  readonly line: number
  readonly language: string
  /** What follows the language. */
  readonly marks: string
  readonly code: string
}

/** Code that is extracted into a file. */
export interface Example {
  readonly fence: Fence
  readonly file: string
  readonly run: boolean
  /** What it prints, if the page says so. */
  readonly output: string | undefined
}

const FENCE = /^```(\S*)[ \t]*(.*)\n([\s\S]*?)^```[ \t]*$/gm

const lineAt = (text: string, index: number): number => text.slice(0, index).split("\n").length

/** The fences of a page in Markdown. */
export const inMarkdown = (page: string, text: string): ReadonlyArray<Fence> =>
  Array.from(text.matchAll(FENCE), (match) => ({
    page,
    line: lineAt(text, match.index),
    language: match[1]!,
    marks: match[2]!.trim(),
    code: match[3]!
  }))

/** The fences of a module's doc comments. */
export const inDocComments = (page: string, source: string): ReadonlyArray<Fence> =>
  Array.from(source.matchAll(/\/\*\*[\s\S]*?\*\//g)).flatMap((comment) => {
    const text = comment[0].replace(/^[ \t]*\* ?/gm, "")
    const before = lineAt(source, comment.index) - 1
    return inMarkdown(page, text).map((fence) => ({ ...fence, line: fence.line + before }))
  })

/** What a fence's marks can be. */
const MARKS: Readonly<Record<string, RegExp>> = {
  ts: /^(file=[\w-]+\.ts( run)?)?$/,
  text: /^(output)?$/,
  sh: /^$/,
  mermaid: /^$/
}

/** Why a fence is none of the kinds above; undefined when it is one. */
export const problem = ({ language, line, marks, page }: Fence): string | undefined =>
  MARKS[language]?.test(marks) === true ? undefined : `${page}:${line}: \`\`\`${language} ${marks}`

/** The code among the fences of one page, each with its output. */
export const examples = (fences: ReadonlyArray<Fence>): ReadonlyArray<Example> =>
  fences.flatMap((fence, i) => {
    if (fence.language !== "ts") return []
    const [name, run] = fence.marks.split(" ")
    const next = fences[i + 1]
    return [{
      fence,
      file: name === undefined || name === "" ? `line-${fence.line}.ts` : name.slice("file=".length),
      run: run === "run",
      output: next?.language === "text" && next.marks === "output" ? next.code : undefined
    }]
  })

/** The example as a file whose lines have the numbers that they have on the page. */
export const source = ({ fence }: Example): string => "\n".repeat(fence.line) + fence.code
