// Times of log lines, read from bytes. Floor 4: no Date on the way, and what was read last is not read again.

import { DAY_MS } from '../core/calendar.ts'
import type { Millis } from '../core/units.ts'

/** What is read where there is no time. */
export const NO_TIME: number = Number.NaN

const MONTHS = 'JanFebMarAprMayJunJulAugSepOctNovDec'
const [COLON, DOT, PLUS, MINUS, SLASH, T, Z, SPACE] = [58, 46, 43, 45, 47, 84, 90, 32]

/** Two digits, or NaN. */
function two(bytes: Uint8Array, i: number): number {
  const tens = bytes[i]! - 48
  const ones = bytes[i + 1]! - 48
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : NO_TIME
}

/** Days since the epoch; NaN for a date that is none. */
function dayOf(year: number, month: number, day: number): number {
  const date = new Date(Date.UTC(year, month - 1, day))
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day ? date.getTime() / DAY_MS : NO_TIME
}

function isSame(bytes: Uint8Array, at: number, held: Uint8Array): boolean {
  for (let i = 0; i < held.length; i++) if (bytes[at + i] !== held[i]) return false
  return true
}

/** The offset of `+0200`, `+02:00` or `Z` in ms; NaN for none. */
function zoneOf(bytes: Uint8Array, at: number, end: number): number {
  const sign = bytes[at]
  if (sign === Z) return end === at + 1 ? 0 : NO_TIME
  if (sign !== PLUS && sign !== MINUS) return NO_TIME
  const minutes = bytes[at + 3] === COLON ? at + 4 : at + 3
  if (minutes + 2 !== end) return NO_TIME
  const offset = (two(bytes, at + 1) * 60 + two(bytes, minutes)) * 60_000
  return sign === PLUS ? offset : -offset
}

export interface Times {
  /** `24/Nov/2026:08:36:10 +0200`, from its first byte. @returns ms since the Unix epoch, or NaN */
  common(bytes: Uint8Array, at: number): Millis
  /** `2026-11-24T08:36:10.123Z`, also with a space, without a fraction, with an offset. @returns ms, or NaN */
  iso(bytes: Uint8Array, start: number, end: number): Millis
}

/** A reader of times that remembers the last minute it saw: one for each log. */
export function timesOf(): Times {
  let commonHead = new Uint8Array(0)
  let commonZone = new Uint8Array(0)
  let commonMinute = NO_TIME
  let isoHead = new Uint8Array(0)
  let isoMinute = NO_TIME
  return {
    common(bytes, at) {
      if (commonHead.length === 0 || !isSame(bytes, at, commonHead) || !isSame(bytes, at + 20, commonZone)) {
        const month = MONTHS.indexOf(String.fromCharCode(bytes[at + 3]!, bytes[at + 4]!, bytes[at + 5]!))
        const punctuated =
          bytes[at + 2] === SLASH &&
          bytes[at + 6] === SLASH &&
          bytes[at + 11] === COLON &&
          bytes[at + 14] === COLON &&
          bytes[at + 17] === COLON &&
          bytes[at + 20] === SPACE
        if (!punctuated || month < 0 || month % 3 !== 0) return NO_TIME
        const day = dayOf(two(bytes, at + 7) * 100 + two(bytes, at + 9), month / 3 + 1, two(bytes, at))
        const [hour, minute] = [two(bytes, at + 12), two(bytes, at + 15)]
        const time = day * DAY_MS + hour * 3_600_000 + minute * 60_000 - zoneOf(bytes, at + 21, at + 26)
        if (Number.isNaN(time) || hour > 23 || minute > 59) return NO_TIME
        commonHead = bytes.slice(at, at + 18)
        commonZone = bytes.slice(at + 20, at + 26)
        commonMinute = time
      }
      const seconds = two(bytes, at + 18)
      return seconds <= 60 ? commonMinute + seconds * 1000 : NO_TIME
    },

    iso(bytes, start, end) {
      if (isoHead.length === 0 || !isSame(bytes, start, isoHead)) {
        const punctuated =
          bytes[start + 4] === MINUS &&
          bytes[start + 7] === MINUS &&
          (bytes[start + 10] === T || bytes[start + 10] === SPACE) &&
          bytes[start + 13] === COLON &&
          bytes[start + 16] === COLON
        if (!punctuated) return NO_TIME
        const day = dayOf(two(bytes, start) * 100 + two(bytes, start + 2), two(bytes, start + 5), two(bytes, start + 8))
        const [hour, minute] = [two(bytes, start + 11), two(bytes, start + 14)]
        const time = day * DAY_MS + hour * 3_600_000 + minute * 60_000
        if (Number.isNaN(time) || hour > 23 || minute > 59) return NO_TIME
        isoHead = bytes.slice(start, start + 17)
        isoMinute = time
      }
      const seconds = two(bytes, start + 17)
      if (!(seconds <= 60)) return NO_TIME
      let time = isoMinute + seconds * 1000
      let at = start + 19
      if (bytes[at] === DOT) {
        let scale = 100
        for (at++; at < end && bytes[at]! >= 48 && bytes[at]! <= 57; at++) {
          time += Math.floor((bytes[at]! - 48) * scale)
          scale /= 10
        }
      }
      return at >= end ? time : time - zoneOf(bytes, at, end)
    },
  }
}
