% How our drum charts look: read by lilypond.py, which writes it into every source after the paper size,
% the drum table (drumPlaces) and the header.

#(ly:set-option 'point-and-click #f)
#(set-global-staff-size 18)

ghost = #(define-music-function (note) (ly:music?) 
  #{ \tweak Parentheses.font-size #-2 \tweak Parentheses.padding #0.1 \parenthesize #note #})
percent = #(define-music-function (length count) (ly:moment? index?)
  (make-music 'PercentEvent 'length length 'repeat-count count))
doublePercent = #(define-music-function (length count) (ly:moment? index?)
  (make-music 'DoublePercentEvent 'length length 'repeat-count count))
restsApart = \revert Rest.staff-position
restsCentred = \override Rest.staff-position = #0

\paper {
  top-margin = 13\mm
  bottom-margin = 11\mm
  left-margin = 14\mm
  right-margin = 14\mm
  indent = 0
  ragged-last = ##f
  ragged-last-bottom = ##t
  markup-system-spacing.basic-distance = #11
  system-system-spacing = #'((basic-distance . 12.5) (minimum-distance . 10) (padding . 2.5) (stretchability . 12))
  last-bottom-spacing = #'((basic-distance . 9) (minimum-distance . 7) (padding . 2))
  score-system-spacing.basic-distance = #11
  bookTitleMarkup = \markup \column {
    \fill-line { \fontsize #6 \bold \fromproperty #'header:title }
    \vspace #0.2
    \fill-line { \fontsize #1 \italic \fromproperty #'header:subtitle }
    \vspace #0.3
  }
  oddHeaderMarkup = \markup \fill-line { \unless \on-first-page \small \italic \fromproperty #'header:title }
  evenHeaderMarkup = \oddHeaderMarkup
  oddFooterMarkup = \markup \fill-line {
    \null
    \with-color #(rgb-color 0.45 0.45 0.45) \tiny \concat { \fromproperty #'header:maker " · " \fromproperty #'page:page-number-string }
    \null
  }
  evenFooterMarkup = \oddFooterMarkup
}

\layout {
  \context {
    \Score
    \override MetronomeMark.font-size = #0.5
    \override MetronomeMark.padding = #1.2
    \override RehearsalMark.stencil = #(make-stencil-boxer 0.1 0.5 ly:text-interface::print)
    \override RehearsalMark.font-size = #1
    \override RehearsalMark.font-series = #'bold
    \override RehearsalMark.self-alignment-X = #LEFT
    \override RehearsalMark.break-align-symbols = #'(staff-bar)
    \override RehearsalMark.padding = #1.4
    \override BarNumber.font-size = #-2
    \override BarNumber.color = #(rgb-color 0.35 0.35 0.35)
    \override SpacingSpanner.common-shortest-duration = #(ly:make-moment 1/16)
    barNumberVisibility = #first-bar-number-invisible-save-broken-bars
    countPercentRepeats = ##t
    \override PercentRepeatCounter.font-size = #-1
    \override DoublePercentRepeatCounter.font-size = #-1
    restNumberThreshold = #1
    skipBars = ##t
  }
  \context {
    \DrumStaff
    drumStyleTable = #(alist->hash-table drumPlaces)
    \override Script.avoid-slur = #'around
    \override Script.padding = #0.3
    \override TupletBracket.bracket-visibility = #'if-no-beam
    \override MultiMeasureRest.expand-limit = #1
    \override Beam.damping = #+inf.0
  }
}

% the legend: one stemless head per drum over its name, on a staff of its own, centred under the title
keyName = #(define-music-function (upper lower) (string? string?)
  #{ \lyricmode { \markup \override #'(baseline-skip . 1.5) \center-column { #upper #lower } } #})
drumKey = #(define-void-function (heads names) (ly:music? ly:music?)
  (add-text
   #{
     \markup \column {
       \fill-line {
         \score {
           \new DrumStaff \with {
             fontSize = #-2
             \override StaffSymbol.staff-space = #(magstep -2)
             \override StaffSymbol.thickness = #(magstep -2)
             \remove Time_signature_engraver
             \remove Bar_engraver
             \omit Clef
           } <<
             \new DrumVoice = "key" \with { \omit Stem \omit Flag \omit Rest } { \stemUp #heads }
             \new Lyrics \with {
               \override LyricText.font-size = #-3.5
               \override LyricSpace.minimum-distance = #1.6
               \override VerticalAxisGroup.nonstaff-relatedstaff-spacing = #'((basic-distance . 3.2) (padding . 0.5))
             } \lyricsto "key" { #names }
           >>
           \layout {
             ragged-right = ##t
             indent = 0
             \context { \Score \omit BarNumber }
           }
         }
       }
       \vspace #0.6
     }
   #}))
