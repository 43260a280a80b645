# Chance: all that is random here, so that a seed says what a run does.
package Chance;

use strict;
use warnings FATAL => 'all';

use Exporter 'import';
our @EXPORT = qw(seed pick chance number real some pairs);

sub seed
{
    srand($_[0]);
    return;
}

# One of a list.
sub pick
{
    return $_[ int(rand(@_)) ];
}

# True with a probability.
sub chance
{
    return rand() < $_[0];
}

# A whole number, both ends included.
sub number
{
    my ($low, $high) = @_;
    return $low + int(rand($high - $low + 1));
}

sub real
{
    my ($low, $high) = @_;
    return $low + rand() * ($high - $low);
}

# Up to n different ones of a list, in random order.
sub some
{
    my ($n, @list) = @_;
    my @found;
    push @found, splice(@list, int(rand(@list)), 1) while @list && @found < $n;
    return @found;
}

# A list of weights and values: one of the values.
sub pairs
{
    my @list = @_;
    my $sum = 0;
    $sum += $list[ 2 * $_ ] for 0 .. $#list / 2;
    my $at = rand($sum);
    for (my $i = 0; $i < @list; $i += 2)
    {
        $at -= $list[$i];
        return $list[ $i + 1 ] if $at < 0;
    }
    return $list[-1];
}

1;
