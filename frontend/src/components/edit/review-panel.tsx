"use client";

import { Check, ChevronLeft, ChevronRight, Pause, Play, X } from "lucide-react";
import type { KeyboardEvent } from "react";
import { useEffect, useRef, useState } from "react";

import { usePlayerState } from "@/components/player/use-player";
import { useStand } from "@/components/score/stand";
import { Bar } from "@/components/ui/bar";
import { Button } from "@/components/ui/button";
import type { EditNote } from "@/lib/edit/notes";
import { questionsOf, settled } from "@/lib/edit/review";
import type { ReviewBar } from "@/lib/edit/wire";

import { ReviewQuestion } from "./review-question";
import type { OpenBar } from "./use-bar";
import type { Commands } from "./use-commands";
import type { Editing } from "./use-editing";
import { pressOnNote } from "./use-grid-keys";

const SPEEDS = [0.5, 0.6, 0.75, 0.9, 1];

type Props = { queue: readonly ReviewBar[]; editing: Editing; bar: OpenBar; commands: Commands; onNote: (note: EditNote) => void; onDone: () => void };

/** Walks through the least certain bars: each is looped, and its doubtful strokes are put to the player one by one. */
export function ReviewPanel({ queue, editing, bar, commands, onNote, onDone }: Props) {
  const { engine, song } = useStand();
  const { rate, playing, ready } = usePlayerState(engine);
  const [at, setAt] = useState(0);
  const [chosen, setChosen] = useState(0);
  const list = useRef<HTMLUListElement>(null);
  const current = queue[Math.min(at, queue.length - 1)];
  const questions = current ? questionsOf(current, bar.index, editing.state.draft) : [];
  const question = questions[Math.min(chosen, questions.length - 1)];
  const done = settled(queue, bar.index, editing.state.draft);

  const open = (to: number) => {
    const next = queue[to];
    if (!next) return to >= queue.length ? onDone() : undefined;
    setAt(to);
    setChosen(0);
    const time = song.bars[next.bar];
    if (time) engine.setLoop({ start: time.start, end: time.end });
    bar.go(next.bar);
    list.current?.focus();
  };

  // What was looped and how fast before the review is so again after it
  const openFirst = useRef(open);
  useEffect(() => {
    const { loop, rate: speed } = engine.snapshot();
    openFirst.current(0);
    return () => {
      engine.setLoop(loop);
      engine.setRate(speed);
    };
  }, [engine]);

  useEffect(() => {
    if (!ready || engine.snapshot().playing) return;
    void engine.play();
    return () => engine.pause();
  }, [engine, ready]);

  useEffect(() => {
    if (question && !question.deleted) onNote(question.note);
    // eslint-disable-next-line react-hooks/exhaustive-deps -- the grid shows the stroke in question once it is another one
  }, [at, chosen]);

  const goOn = () => {
    const next = questions.findIndex((each, index) => each.open && index !== chosen);
    if (next >= 0) setChosen(next);
    else open(at + 1);
  };
  const answer = (right: boolean) => {
    if (!question || commands.locked) return;
    if (question.open) void (right ? commands.confirm([question.note]) : commands.remove(question.note));
    goOn();
  };

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || (event.target as Element).closest("button, input, select")) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const keys: Record<string, () => void> = {
      Enter: () => answer(true),
      y: () => answer(true),
      n: () => answer(false),
      Delete: () => answer(false),
      Backspace: () => answer(false),
      ArrowRight: () => open(at + 1),
      ArrowLeft: () => open(Math.max(0, at - 1)),
      ArrowDown: () => setChosen(Math.min(questions.length - 1, chosen + 1)),
      ArrowUp: () => setChosen(Math.max(0, chosen - 1)),
    };
    const action = keys[key];
    if (action) action();
    else if (!question || question.deleted) return;
    else if (!pressOnNote(key, question.note, commands, (drum) => commands.move(question.note, { drum, onset: question.note.onset }))) return;
    event.preventDefault();
    event.stopPropagation();
  };

  if (!current) return null;
  return (
    <section aria-label="Review" className="flex flex-col gap-3">
      <div className="flex flex-wrap items-center gap-1">
        <Button look="quiet" className="size-11 px-0!" aria-label="Review the bar before" disabled={at === 0} onClick={() => open(at - 1)}>
          <ChevronLeft aria-hidden />
        </Button>
        <p className="figures text-sm" aria-live="polite">
          <span className="font-semibold">
            {at + 1} of {queue.length}
          </span>
          <span className="text-soft"> · bar {current.number}</span>
        </p>
        <Button look="quiet" className="size-11 px-0!" aria-label={at === queue.length - 1 ? "End the review" : "Review the bar after"} onClick={() => open(at + 1)}>
          <ChevronRight aria-hidden />
        </Button>
        <Button look="quiet" className="ml-auto size-11 px-0!" aria-label={playing ? "Pause the loop" : "Play the loop"} disabled={!ready} onClick={() => engine.toggle()}>
          {playing ? <Pause aria-hidden /> : <Play aria-hidden />}
        </Button>
        <select aria-label="Speed of the loop" className="control w-auto! text-sm!" value={rate} onChange={(event) => engine.setRate(Number(event.target.value))}>
          {[...new Set([...SPEEDS, rate])].sort().map((speed) => (
            <option key={speed} value={speed}>
              {Math.round(speed * 100)} %
            </option>
          ))}
        </select>
      </div>
      <Bar value={(done / queue.length) * 100} label="Bars reviewed" />
      <ul ref={list} tabIndex={0} aria-label={`Doubtful strokes in bar ${current.number}`} onKeyDown={onKeyDown} className="max-h-[8.75rem] overflow-y-auto rounded-lg xl:max-h-[11.25rem]">
        {questions.map((each, index) => (
          <ReviewQuestion key={each.note.id} {...each} current={index === chosen} unit={bar.unit} commands={commands} onChoose={() => setChosen(index)} onAnswer={(right) => { setChosen(index); void (right ? commands.confirm([each.note]) : commands.remove(each.note)); }} />
        ))}
      </ul>
      <div className="flex flex-wrap items-center gap-2">
        <Button disabled={commands.locked || questions.every((each) => !each.open)} onClick={() => { commands.confirm(questions.filter((each) => each.open).map(({ note }) => note)); open(at + 1); }}>
          <Check aria-hidden />
          All right, next bar
        </Button>
        <Button look="quiet" onClick={onDone}>
          <X aria-hidden />
          End the review
        </Button>
      </div>
    </section>
  );
}
